"""Make docs/tables.md, docs/configuration.md and docs/controls.md from the code, so that they can't go stale.

Run it with `make docs`; the docs check fails where a page isn't what this makes.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args, get_origin

import duckdb
import msgspec

from audit import derive, evidence
from audit.assess import catalogue, load
from audit.assess.frameworks import frameworks
from audit.assess.tables import ControlRow, ParameterRow, VerdictRow
from audit.config import packaged
from audit.config.settings import Settings
from audit.derive import job_gaps, population, reconciliation
from audit.model import Run, RunState, Window, columns
from audit.store import Coverage

HERE = Path(__file__).resolve().parent
NOTE = "<!-- made by docs/generate.py: change the code's docstrings and run `make docs` -->"
STANDARD = {
    "row_id": "Stable id of the row: the same thing has the same id in every run.",
    "observed_at": "When Azure said it; for derived rows, when the run was made.",
    "raw_ref": "Where the words are kept: raw file, line (from 1), item (from 0) and Azure's request id.",
}


def tables() -> str:
    """Return docs/tables.md: every table, column, type and meaning."""
    parts = [
        "# Tables",
        NOTE,
        (
            "Parquet files in a pack's `data/` and a run's `tables/`. Times are UTC, unknown is null, ids are as Azure"
            " spells them. Every table begins with the same three columns:"
        ),
        "\n".join(f"- `{name}`: {meaning}" for name, meaning in STANDARD.items()),
        "## Collected",
    ]
    for kind in evidence.KINDS:
        reads = ", ".join(f"`{action}`" for action in kind.actions) or "Microsoft Graph `Directory.Read.All`"
        for record in kind.records:
            parts += [f"### {record.table}", _about(record), f"Kind `{kind.name}`; needs {reads}.", _columns(record)]
    parts.append("## Made from them")
    for name, described in _derived().items():
        rows = ["| column | type |", "|---|---|", *(f"| `{column}` | {kind} |" for column, kind in described)]
        parts += [f"### {name}", _about(DERIVED[name]), "\n".join(rows)]
    for record in (Coverage, ParameterRow, ControlRow, VerdictRow):
        parts += [f"### {record.table}", _about(record), _columns(record)]
    return "\n\n".join(parts) + "\n"


def configuration() -> str:
    """Return docs/configuration.md: every key of audit.toml."""
    parts = [
        "# audit.toml",
        NOTE,
        (
            "Every key is optional. A key that isn't known, a wrong type or an impossible value is refused by name"
            " before anything is read. `jobaudit doctor` checks a configuration and its sign-in."
        ),
    ]
    for field in msgspec.structs.fields(Settings):
        if not (isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)):
            continue
        meanings = _field_docs(field.type)
        rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
        for key in msgspec.structs.fields(field.type):
            default = key.default if key.default is not msgspec.NODEFAULT else key.default_factory()  # type: ignore[misc]
            told = _toml(default)
            rows.append(f"| `{key.name}` | {_type(key.type)} | `{told}` | {meanings.get(key.name, '')} |")
        parts += [f"## [{field.name}]", _about(field.type), "\n".join(rows)]
    parts += [
        "## [policy]",
        (
            "Baselines that controls read. The keys are the parameters of the controls;"
            " [controls.md](controls.md) lists them with their defaults."
        ),
    ]
    return "\n\n".join(parts) + "\n"


def controls() -> str:
    """Return docs/controls.md."""
    return catalogue.markdown(load([packaged("config") / "controls"]), frameworks())


DERIVED = {"population": population.create, "reconciliation": reconciliation.create, "job_gaps": job_gaps.create}


def _derived() -> dict[str, list[tuple[str, str]]]:
    """Derive an empty run and return the columns of what comes out."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    for record in (*evidence.record_types(), Coverage):
        con.execute(f"create table {record.table} ({', '.join(f'{name} {kind}' for name, kind in columns(record))})")
    then = datetime(2026, 1, 1, tzinfo=UTC)
    run = Run(
        run_id="-", state=RunState.DONE, tool_version="-", cloud="-", endpoint="-", caller=None,
        window=Window.month(2026, 1), subscriptions=(), expected_subscriptions=(), kinds=(), started=then,
    )  # fmt: skip
    derive.derive(con, run)
    return {
        name: [(row[0], row[1]) for row in con.execute(f"describe {name}").fetchall() if row[0] not in STANDARD]
        for name in DERIVED
    }


PAGES = {"tables.md": tables, "configuration.md": configuration, "controls.md": controls}


def _about(record: object) -> str:
    return inspect.cleandoc(record.__doc__ or "").replace("``", "`")


def _columns(record: type[Any]) -> str:
    meanings = _field_docs(record)
    rows = ["| column | type | meaning |", "|---|---|---|"]
    rows += [
        f"| `{name}` | {kind} | {meanings.get(name, '')} |" for name, kind in columns(record) if name not in STANDARD
    ]
    return "\n".join(rows)


def _field_docs(shape: type) -> dict[str, str]:
    """Return the string that stands under each field, by field."""
    body = ast.parse(textwrap.dedent(inspect.getsource(shape))).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, doc in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(doc, ast.Expr)
            and isinstance(doc.value, ast.Constant)
        ):
            text = " ".join(str(doc.value.value).split())
            found[field.target.id] = text.replace("``", "`").replace("|", "\\|")
    return found


def _type(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return "array of " + _type(get_args(hint)[0])
    if get_origin(hint) is dict:
        return "table of text"
    if hasattr(hint, "__metadata__"):
        return _type(get_args(hint)[0]) + (" (GUID)" if "0-9a-fA-F" in str(hint) else "")
    if get_args(hint):
        return " \\| ".join(f"`{choice}`" for choice in get_args(hint))
    return {str: "text", int: "whole number", float: "number", bool: "boolean"}.get(hint, str(hint))


def _toml(value: Any) -> str:
    return msgspec.json.encode(value).decode().replace("{}", "{ }")


if __name__ == "__main__":
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")
