"""The part of the Kusto query language that is asked of Resource Graph, compiled to functions over rows.

``resources | where type =~ 'x' and … | extend a = … | project a, b = properties.c | order by a asc | take 10``, also
``top``, ``count``, ``distinct`` and ``summarize count(), sum(x) by``.
https://learn.microsoft.com/azure/governance/resource-graph/concepts/query-language
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from audit.sandbox.kql_values import (
    COMPARE,
    FUNCTIONS,
    Row,
    Value,
    both,
    compared,
    either,
    instant,
    member,
    order,
    reach,
)

Step = Callable[[list[Row]], list[Row]]

_SPANS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_CHOOSING = ("where", "order", "sort", "take", "limit", "top")
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<moment>datetime\(\s*[^)\s]+\s*\))
      | (?P<span>\d+[dhms]\b)
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<word>project-away|!?in~|!contains|[A-Za-z_]\w*)
      | (?P<sign>=~|!~|==|!=|<=|>=|[<>=|,().\[\]])""",
    re.VERBOSE | re.IGNORECASE,
)


class Query(NamedTuple):
    """A compiled query: the table it reads and what it does with the rows."""

    table: str
    steps: tuple[Step, ...]
    shaping: tuple[Step, ...] = ()
    """The steps that make columns, without those that only choose rows."""

    def run(self, rows: list[Row]) -> list[Row]:
        """Return the result over all rows of the table."""
        for step in self.steps:
            rows = step(rows)
        return rows

    def shaped(self, rows: list[Row]) -> list[Row]:
        """Return rows with the columns of the result, none of them left out."""
        for step in self.shaping:
            rows = step(rows)
        return rows


class QueryInvalid(Exception):
    """A query that the service's parser refuses; ``position`` counts characters from 0."""

    def __init__(self, token: str, position: int) -> None:
        super().__init__(f"unexpected {token!r} at {position}")
        self.token = token
        self.position = position


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


def _tokens(query: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    while position < len(query):
        match = _TOKEN.match(query, position)
        if match is None:
            raise QueryInvalid(query[position], position)
        if match.lastgroup != "space":
            found.append(_Token(match.lastgroup or "", match[0], position))
        position = match.end()
    return found


class _Parser:
    """Recursive descent over the tokens of one query."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._tokens = _tokens(query)
        self._at = 0

    def query(self) -> Query:
        table = self._take("word").text.lower()
        steps, shaping = [], []
        while self._at < len(self._tokens):
            self._sign("|")
            verb = self._peek().text.lower()
            steps.append(self._step())
            if verb not in _CHOOSING:
                shaping.append(steps[-1])
        return Query(table, tuple(steps), tuple(shaping))

    def _peek(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _Token("end", "", len(self._query))

    def _take(self, kind: str) -> _Token:
        token = self._peek()
        if token.kind != kind:
            raise QueryInvalid(token.text, token.position)
        self._at += 1
        return token

    def _sign(self, *signs: str) -> str:
        token = self._peek()
        if token.kind != "sign" or token.text not in signs:
            raise QueryInvalid(token.text, token.position)
        self._at += 1
        return token.text

    def _next_is(self, *texts: str) -> bool:
        if self._peek().text.lower() in texts and self._peek().kind in ("word", "sign"):
            self._at += 1
            return True
        return False

    def _step(self) -> Step:
        token = self._take("word")
        step = getattr(self, f"_step_{token.text.lower().replace('-', '_')}", None)
        if step is None:
            raise QueryInvalid(token.text, token.position)
        made: Step = step()
        return made

    def _step_where(self) -> Step:
        test = self._expression()
        return lambda rows: [row for row in rows if test(row)]

    def _step_project(self) -> Step:
        columns = self._columns()
        return lambda rows: [{name: value(row) for name, value in columns} for row in rows]

    def _step_extend(self) -> Step:
        columns = self._columns()
        return lambda rows: [{**row, **{name: value(row) for name, value in columns}} for row in rows]

    def _step_project_away(self) -> Step:
        names = {name for name, _ in self._columns()}
        return lambda rows: [{name: value for name, value in row.items() if name not in names} for row in rows]

    def _step_distinct(self) -> Step:
        columns = self._columns()

        def distinct(rows: list[Row]) -> list[Row]:
            made = [{name: value(row) for name, value in columns} for row in rows]
            return list({repr(row): row for row in made}.values())

        return distinct

    def _step_count(self) -> Step:
        return lambda rows: [{"Count": len(rows)}]

    def _step_summarize(self) -> Step:
        wanted: list[tuple[str, Value]] = []
        while not wanted or self._next_is(","):
            wanted.append(self._aggregate())
        columns = self._columns() if self._next_is("by") else []

        def summarize(rows: list[Row]) -> list[Row]:
            groups: dict[str, Row] = {}
            for row in rows:
                group = {column: value(row) for column, value in columns}
                made = groups.setdefault(repr(group), {**group, **dict.fromkeys((name for name, _ in wanted), 0)})
                for name, amount in wanted:
                    made[name] += amount(row) or 0
            return list(groups.values())

        return summarize

    def _aggregate(self) -> tuple[str, Value]:
        """Return the column of one aggregate, and what each row adds to it."""
        name = ""
        if self._tokens[self._at + 1].text == "=":
            name = self._take("word").text
            self._sign("=")
        token = self._take("word")
        self._sign("(")
        if token.text.lower() == "count":
            self._sign(")")
            return name or "count_", lambda _: 1
        if token.text.lower() != "sum":
            raise QueryInvalid(token.text, token.position)
        amount = self._expression()
        self._sign(")")
        return name or "sum_", amount

    def _step_order(self) -> Step:
        return self._sorted()

    _step_sort = _step_order

    def _sorted(self) -> Step:
        token = self._take("word")
        if token.text.lower() != "by":
            raise QueryInvalid(token.text, token.position)
        keys: list[tuple[Value, bool]] = []
        while not keys or self._next_is(","):
            value = self._value()
            ascending = self._next_is("asc")
            keys.append((value, not ascending))
            if not ascending:
                self._next_is("desc")

        def ordered(rows: list[Row]) -> list[Row]:
            for value, descending in reversed(keys):
                rows = sorted(rows, key=lambda row, value=value: order(value(row)), reverse=descending)  # type: ignore[misc]
            return rows

        return ordered

    def _step_take(self) -> Step:
        count = int(self._take("number").text)
        return lambda rows: rows[:count]

    _step_limit = _step_take

    def _step_top(self) -> Step:
        count = int(self._take("number").text)
        order = self._sorted()
        return lambda rows: order(rows)[:count]

    def _columns(self) -> list[tuple[str, Value]]:
        columns: list[tuple[str, Value]] = []
        while not columns or self._next_is(","):
            start = self._at
            if start + 1 < len(self._tokens) and self._tokens[start + 1].text == "=":
                name = self._take("word").text
                self._sign("=")
                columns.append((name, self._expression()))
                continue
            value = self._expression()
            columns.append(("_".join(t.text for t in self._tokens[start : self._at] if t.kind == "word"), value))
        return columns

    def _expression(self) -> Value:
        left = self._conjunction()
        while self._next_is("or"):
            left = either(left, self._conjunction())
        return left

    def _conjunction(self) -> Value:
        left = self._comparison()
        while self._next_is("and"):
            left = both(left, self._comparison())
        return left

    def _comparison(self) -> Value:
        left = self._value()
        operator = self._peek().text.lower()
        if operator in ("in", "in~", "!in~"):
            self._at += 1
            return member(left, self._list(), operator)
        if operator in COMPARE:
            self._at += 1
            return compared(left, operator, self._value())
        return left

    def _list(self) -> list[Value]:
        self._sign("(")
        values: list[Value] = []
        while self._peek().text != ")":
            values.append(self._expression())
            self._next_is(",")
        self._sign(")")
        return values

    def _value(self) -> Value:
        token = self._peek()
        if token.kind == "text":
            self._at += 1
            text = re.sub(r"\\(.)", r"\1", token.text[1:-1])
            return lambda _: text
        if token.kind == "moment":
            self._at += 1
            at = instant(token.text[len("datetime(") : -1].strip())
            if at is None:
                raise QueryInvalid(token.text, token.position)
            return lambda _: at
        if token.kind == "span":
            self._at += 1
            span = timedelta(**{_SPANS[token.text[-1].lower()]: int(token.text[:-1])})
            return lambda _: span
        if token.kind == "number":
            self._at += 1
            number = float(token.text) if "." in token.text else int(token.text)
            return lambda _: number
        if self._next_is("("):
            inner = self._expression()
            self._sign(")")
            return inner
        return self._named()

    def _named(self) -> Value:
        token = self._take("word")
        lowered = token.text.lower()
        if self._peek().text == "(":
            if lowered == "column_ifexists":
                return self._column_if_exists()
            if lowered not in FUNCTIONS:
                raise QueryInvalid(token.text, token.position)
            function, arguments = FUNCTIONS[lowered], self._list()
            return lambda row: function(*(each(row) for each in arguments))
        if lowered in ("true", "false", "null"):
            constant = {"true": True, "false": False}.get(lowered)
            return lambda _: constant
        path: list[str | int] = [token.text]
        while self._peek().text in (".", "["):
            path.append(self._step_into())
        return reach(tuple(path))

    def _column_if_exists(self) -> Value:
        self._sign("(")
        name = self._take("text").text[1:-1]
        self._sign(",")
        otherwise = self._expression()
        self._sign(")")
        return lambda row: row[name] if name in row else otherwise(row)

    def _step_into(self) -> str | int:
        if self._sign(".", "[") == ".":
            return self._take("word").text
        token = self._peek()
        self._at += 1
        self._sign("]")
        return int(token.text) if token.kind == "number" else token.text[1:-1]


def parse(query: str) -> Query:
    """Compile a query. Raises QueryInvalid where the service's parser would refuse, or where this one knows less."""
    return _Parser(query).query()
