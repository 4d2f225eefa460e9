"""A control's file: a YAML header in the first comment, then one SELECT. What isn't known is refused by name."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import yaml

from audit.assess.statement import Place, one_select
from audit.errors import ConfigError
from audit.model import Severity

Area = Literal[
    "access", "identity", "change", "configuration", "reliability", "logging", "network", "ownership", "cost",
    "governance", "fit", "operations",
]  # fmt: skip

ParameterType = Literal[
    "text", "boolean", "whole number", "list of text", "table of text", "table of lists", "table of tables", "anything"
]

_COMMENT = re.compile(r"\A\ufeff?\s*/\*---[ \t]*\r?\n(?P<yaml>.*?)^---\*/", re.DOTALL | re.MULTILINE)
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$?\.?(?P<path>[^`]*)`)?$", re.DOTALL)


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a header."""


class Frameworks(_Table, frozen=True, kw_only=True):
    """The requirements that a control supports, by framework: ids as the framework writes them."""

    mcsb: tuple[str, ...] = ()
    iso27001: tuple[str, ...] = ()
    soc2: tuple[str, ...] = ()
    nist80053: tuple[str, ...] = ()
    pci: tuple[str, ...] = ()
    cis: tuple[str, ...] = ()


class Parameter(_Table, frozen=True, kw_only=True):
    """A baseline that the owner may set in [policy]. ``type`` is told by the default where it isn't written."""

    default: Any
    description: str
    type: ParameterType | None = None


class Header(_Table, frozen=True, kw_only=True):
    """What a control says about itself."""

    id: str
    title: str
    area: Area
    severity: Severity
    needs: tuple[str, ...]
    """Evidence kinds: a gap in any of them makes the verdict ``not_assessed``."""
    subjects: str
    """One SELECT giving (job_id, subject): everything that the control has to answer for."""
    rationale: str
    remediation: str
    limits: str = ""
    """What the control can't see: what a pass doesn't rule out and what a fail may mistake."""
    fails_despite: tuple[str, ...] = ()
    """Kinds of ``needs`` whose gap leaves a failure standing: the rows that were read show it."""
    spares: dict[str, tuple[str, ...]] = {}
    """Subjects that don't rest on a kind of ``needs``, by kind: its gap leaves their answers standing."""
    empty: str = "the job has nothing that this control looks at"
    """The reason given where a job has no subject at all."""
    frameworks: Frameworks = Frameworks()
    parameters: dict[str, Parameter] = {}
    last: bool = False
    """It is run after all others, and sees what they answered: the tables ``verdicts`` and ``exceptions``."""


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """One control as read. ``file`` is its path below its folder, ``text`` the whole file, ``sql`` its SELECT."""

    header: Header
    path: Path
    file: str
    text: str
    sql: str
    source: Literal["built-in", "own"]
    at: Place = Place()
    """Where the SELECT stands in the file."""
    subjects_at: Place = Place(line=0)
    """Where the header's ``subjects`` stand in the file."""

    @property
    def id(self) -> str:
        """The control's id, for example JA-09."""
        return self.header.id


def parse(text: str, *, path: Path, file: str, source: Literal["built-in", "own"], kinds: tuple[str, ...]) -> Control:
    """Read one control. ``kinds``: the evidence kinds there are. Raises ConfigError naming file and key."""
    where = str(path)
    found = _COMMENT.match(text)
    if found is None:
        raise ConfigError(
            "the control has no header",
            where=where,
            hint="begin the file with a comment: a line /*---, the YAML header, a line ---*/",
        )
    header = _header(_yaml(found["yaml"], where), where)
    _check(header, kinds, where)
    subjects_at = _subjects_at(found["yaml"], text[: found.start("yaml")].count("\n"))
    one_select(header.subjects, where=f"{where}: subjects", at=subjects_at)
    sql = text[found.end() :].strip()
    begins = found.end() + len(text[found.end() :]) - len(text[found.end() :].lstrip())
    at = Place(line=1 + text.count("\n", 0, begins), column=begins - 1 - text.rfind("\n", 0, begins))
    one_select(sql, where=where, at=at)
    return Control(
        header=header, path=path, file=file, text=text, sql=sql, source=source, at=at, subjects_at=subjects_at
    )


def _subjects_at(header: str, above: int) -> Place:
    """Return where the value of ``subjects`` begins; ``above``: the lines before the header."""
    document = yaml.compose(header, Loader=yaml.SafeLoader)
    for key, value in document.value if isinstance(document, yaml.MappingNode) else ():
        if key.value != "subjects":
            continue
        begins = above + value.start_mark.line + 1
        if value.style != "|":
            folded = "\n" in header[value.start_mark.index : value.end_mark.index].strip()
            return Place(line=begins, column=value.start_mark.column + bool(value.style), exact=not folded)
        lines = header.split("\n")[value.start_mark.line + 1 : value.end_mark.line]
        blank = next((number for number, line in enumerate(lines) if line.strip()), 0)
        indent = len(lines[blank]) - len(lines[blank].lstrip()) if lines else 0
        return Place(line=begins + 1, column=indent, indent=indent)
    return Place(line=0)


class _UniqueKeys(yaml.SafeLoader):
    """YAML where a key that stands twice is an error, not a silent last-one-wins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise yaml.constructor.ConstructorError(None, None, f"the key {name!r} is not text", key.start_mark)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f'the key "{name}" stands twice', key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _yaml(text: str, where: str) -> dict[str, Any]:
    try:
        document = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506  a SafeLoader, stricter
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise ConfigError(f"the header is not valid YAML: {told}", where=where, hint="mend the header") from None
    if not isinstance(document, dict):
        raise ConfigError("the header is not a table of keys", where=where, hint="write one key: value a line")
    return document


def _header(document: dict[str, Any], where: str) -> Header:
    _known(document, Header, "", where)
    if isinstance(document.get("frameworks"), dict):
        _known(document["frameworks"], Frameworks, "frameworks.", where)
    if isinstance(document.get("parameters"), dict):
        for name, parameter in document["parameters"].items():
            if isinstance(parameter, dict):
                _known(parameter, Parameter, f"parameters.{name}.", where)
    try:
        return msgspec.convert(document, Header)
    except msgspec.ValidationError as error:
        found = _PLACE.match(str(error))
        what, path = (found["what"], found["path"] or "") if found else (str(error), "")
        hint = {"area": "one of: " + ", ".join(get_args(Area)), "severity": "one of: " + ", ".join(Severity)}.get(
            path, "docs/controls.md tells every key of a header"
        )
        named = f'header key "{path}": ' if path else "header: "
        raise ConfigError(named + what, where=f"{where}: {path}" if path else where, hint=hint) from None


def _known(table: dict[str, Any], schema: type[msgspec.Struct], prefix: str, where: str) -> None:
    names = schema.__struct_fields__
    for key in table:
        if key not in names:
            raise ConfigError(
                f'unknown header key "{prefix}{key}"', where=f"{where}: {prefix}{key}", hint=near(key, names)
            )


def _check(header: Header, kinds: tuple[str, ...], where: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", header.id):
        raise ConfigError(
            f'"{header.id}" is no control id', where=f"{where}: id", hint="write one such as JA-09 or ACME-01"
        )
    for key in ("title", "rationale", "remediation", "empty"):
        if not getattr(header, key).strip():
            raise ConfigError(
                f'header key "{key}" is empty', where=f"{where}: {key}", hint="a reader needs it: write a sentence"
            )
    if not header.needs:
        raise ConfigError(
            'header key "needs" is empty', where=f"{where}: needs", hint="name the evidence kinds it rests on"
        )
    for kind in header.needs:
        if kind not in kinds:
            raise ConfigError(f'"{kind}" is no evidence kind', where=f"{where}: needs", hint=near(kind, kinds))
    for key in ("fails_despite", "spares"):
        for kind in getattr(header, key):
            if kind not in header.needs:
                told = f'"{kind}" stands under {key} but not under needs'
                raise ConfigError(told, where=f"{where}: {key}", hint=near(kind, header.needs))


def near(word: str, known: tuple[str, ...]) -> str:
    """Return a hint: the known word that was probably meant, or all of them."""
    close = difflib.get_close_matches(word, known, n=1)
    return f'did you mean "{close[0]}"?' if close else "known here: " + ", ".join(known)
