"""``change/rollback/<job>.yaml``: how a job was, for the container-app CLI; made of table ``rollbacks`` alone.

A value that only a person can give stands as ``!required-input "why"``, and where the recipe is uncertain the first
line is ``refuse: !incomplete "why"``. No loader knows these tags, the CLI's (``yaml.safe_load``) neither, so the file
can't be applied until each is gone. Every text is quoted and every file is ASCII: the CLI reads it in the encoding of
the machine it runs on, and no loader may take ``no`` for a truth value or ``1e3`` for a number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from audit.model import az, ids, json_path
from audit.model.marker import unmarked
from audit.render.text import utc_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import duckdb

    from audit.render.rows import Row
    from audit.render.staging import Staging

FOLDER = "change/rollback"
REQUIRED_INPUT = "!required-input"
INCOMPLETE = "!incomplete"

_ROWS = "select * from rollbacks where file is not null order by lower(job_id)"
_AT_ONCE = 200
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_WORDS_OF_YAML = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_LONGEST_KEY = 800
"""YAML takes a key on one line up to 1024 characters."""


def write(con: duckdb.DuckDBPyConnection, staging: Staging) -> list[str]:
    """Write the file of every recipe and return their paths in the pack, in order of the jobs' ids."""
    result = con.execute(_ROWS)
    columns = [column[0] for column in result.description or ()]
    written: list[str] = []
    while rows := result.fetchmany(_AT_ONCE):
        for values in rows:
            row = dict(zip(columns, values, strict=True))
            written.append(f"{FOLDER}/{row['file']}")
            staging.write(written[-1], recipe(row))
    return written


def recipe(row: Row) -> str:
    """Return the file of one row of ``rollbacks``."""
    inputs, by_hand, images = (msgspec.json.decode(row[name]) for name in ("required_inputs", "by_hand", "images"))
    whys = {each["path"]: each["why"] for each in inputs}
    definition = _node(msgspec.json.decode(row["definition"]), "", whys)
    guard = "" if row["complete"] else _dumped({_Name("refuse"): _Tagged(INCOMPLETE, row["because"] or "")})
    header = "".join(f"{_comment(line)}\n" for line in _header(row, inputs, by_hand, images))
    return f"{guard}{header}{_dumped(definition)}"


def _header(
    row: Row, inputs: Sequence[dict[str, Any]], by_hand: Sequence[dict[str, Any]], images: Sequence[dict[str, Any]]
) -> Iterator[str]:
    job_id, made = row["job_id"], row["command"] == "create"
    undone = ", with every change since that is known taken back" if row["source"] == "changes undone" else ""
    yield f"How the job {ids.name_of(job_id)} was before the change, for the container-app CLI."
    yield f"Job: {job_id}"
    yield f"As of: {utc_seconds(row['as_of'])}, as run {row['source_run_id']} read it{undone}."
    if not row["complete"]:
        yield f"NOT CERTAIN: {row['because']}."
        yield "Compare it with what is known of the job, then remove the first line; until then no loader takes this."
    yield ""
    yield f"{'The job is gone. ' if made else ''}To apply, in this folder:"
    yield f"  az containerapp job {row['command']} {az.job(job_id)} --yaml {row['file']}"
    yield from _listed(
        "Required inputs; each stands below as a tag that no loader takes, until a value is put in its place:",
        [f"{each['path']}: {each['why']}" for each in inputs],
    )
    yield from _listed(
        "Not in reach of this file, by hand; what is given back comes before it is applied, what is taken away after:",
        [f"{each['path'] or 'the job'}: {each['why']}{_command(each)}" for each in by_hand],
    )
    yield from _listed(
        "Images as they were; to be sure to run the same, write the reference by its digest:",
        [f"{each['container']}: {each['image']}{_meant(each)}" for each in images],
    )


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        for number, line in enumerate(lines, 1):
            first, *rest = line.split("\n  ")
            yield f"  {number}. {first}"
            yield from (f"     {each}" for each in rest)


def _command(each: Mapping[str, str | None]) -> str:
    return f"\n  {each['command']}" if each["command"] else ""


def _meant(each: Mapping[str, str | None]) -> str:
    if each["digest"] and each["digest"] in (each["image"] or ""):
        return ""
    known_from = each["digest_known_from"]
    return f", {each['digest']} by {known_from}" if each["digest"] else f", its digest is {known_from}"


def _comment(line: str) -> str:
    """Return a line as a comment: ASCII, on one line, without a redaction mark, whatever it holds."""
    shown = "".join(
        char if " " <= char <= "~" else char.encode("unicode_escape").decode("ascii") for char in unmarked(line)
    )
    return f"# {shown}".rstrip()


class _Name(str):
    """A member's name that YAML reads as a text without quotes."""

    __slots__ = ()


class _Tagged:
    """A text under a tag that no loader knows."""

    def __init__(self, tag: str, text: str) -> None:
        self.tag = tag
        self.text = unmarked(text)


def _node(value: Any, path: str, whys: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {_key(name): _node(each, json_path.member(path, name), whys) for name, each in value.items()}
    if isinstance(value, list):
        return [_node(each, json_path.element(path, index), whys) for index, each in enumerate(value)]
    return _Tagged(REQUIRED_INPUT, whys[path]) if value is None and path in whys else value


def _key(name: str) -> str:
    return _Name(name) if _PLAIN_NAME.fullmatch(name) and name.lower() not in _WORDS_OF_YAML else name


class _Dumper(yaml.SafeDumper):
    def check_simple_key(self) -> bool:
        """Keep a long key, such as an identity's id, on the line of its value."""
        event = self.event
        if isinstance(event, yaml.ScalarEvent) and event.value.isascii() and event.value.isprintable():
            return len(event.value) <= _LONGEST_KEY
        return bool(super().check_simple_key())

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  the question is PyYAML's
        """Write equal values out."""
        return True


def _dumped(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=False, width=1 << 30)
    return text


_Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))
_Dumper.add_representer(_Name, lambda dumper, name: dumper.represent_scalar("tag:yaml.org,2002:str", str(name)))
_Dumper.add_representer(_Tagged, lambda dumper, each: dumper.represent_scalar(each.tag, each.text, style='"'))
