"""Make the pages about tables, configuration, controls and scalers, and the schema of results, from the code.

So they can't go stale: run it with `make docs`; the docs check fails where a page isn't what this makes.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import tomllib
import types
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_origin

import duckdb
import msgspec

from audit import derive, evidence
from audit.assess import catalogue, load
from audit.assess.frameworks import frameworks
from audit.assess.policy import ExceptionDays, Frame, OverrideKeys
from audit.assess.profiles import shipped
from audit.assess.tables import ControlRow, ExceptionRow, ParameterRow, RequirementRow, VerdictRow
from audit.config import packaged, register, scalers, tickets
from audit.config.settings import Settings
from audit.config.tickets.tables import COLUMNS, MANDATORY
from audit.derive.cadence import Cadence
from audit.derive.continuity import Continuity
from audit.derive.scaler_facts import ScalerFact
from audit.derive.statements import JobAttachment, Statement
from audit.derive.tickets import ApprovedChange
from audit.model import Run, RunState, Window, columns
from audit.model.prices import Grant, Prices, Rates
from audit.model.review import ReviewRule
from audit.model.scaler import Parameter, Scaler
from audit.model.stated import Idempotence, JobEntry, Objective, PerformedTest, ScalerSupport, VerifiedScaler
from audit.model.ticket import Ticket
from audit.model.waiver import Waiver
from audit.render import results
from audit.render.raw_files import RawFile
from audit.store import Coverage
from audit.store.history import EVENT_TABLES

HERE = Path(__file__).resolve().parent
DERIVED = tomllib.loads((HERE / "derived.toml").read_text(encoding="utf-8"))
RECORDS = (
    Cadence, Statement, JobAttachment, ApprovedChange, ScalerFact, Coverage, RawFile, ParameterRow, ControlRow,
    RequirementRow, VerdictRow, ExceptionRow,
)  # fmt: skip
"""Tables that are made from the collected ones and have a record class."""
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
        (
            "Tables of events have a fourth, `first_seen_run`: the run that saw the row first"
            f" ([history.md](history.md)): {', '.join(f'`{name}`' for name in EVENT_TABLES)}."
        ),
        (
            'A few columns bear names that are words of SQL: in DuckDB, and so in `jobaudit sql`, write `"at"`,'
            ' `"from"`, `"to"` and `"rows"` with their quotes.'
        ),
        "## Collected",
    ]
    for kind in evidence.KINDS:
        reads = ", ".join(f"`{action}`" for action in kind.actions)
        reads = reads or "Microsoft Graph " + ", ".join(f"`{each}`" for each in kind.directory)
        for record in kind.records:
            parts += [f"### {record.table}", _about(record), f"Kind `{kind.name}`; needs {reads}.", _columns(record)]
    parts.append("## Made from them")
    for name, described in _derived().items():
        about, meanings = _words(name)
        if name == Continuity.table:
            about, meanings = _about(Continuity), _field_docs(Continuity) | meanings
        parts += [f"### {name}", about, _described(described, meanings)]
    for record in RECORDS:
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
        parts += [f"## [{field.name}]", _about(field.type), _keys(field.type)]
    parts += ["## [[review.reviewers]]", _about(ReviewRule), _keys(ReviewRule)]
    parts += ["## [[scalers]]", _about(VerifiedScaler), _keys(VerifiedScaler)]
    parts += [
        "## [policy]",
        (
            "Baselines that controls read. The keys are the parameters of the controls;"
            " [controls.md](controls.md) lists them with their defaults."
        ),
        *_policy(),
        *_register(),
        *_exceptions(),
        *_tickets(),
        *_prices(),
    ]
    return "\n\n".join(parts) + "\n"


def _register() -> list[str]:
    """Return the part about jobs.toml."""
    several = "Where several entries speak of a job, the one with its id prevails, then one with its very name, then"
    limit = f"{register.MOST_BYTES >> 20} MiB each, {register.MOST_BYTES_TOGETHER >> 20} MiB together"
    parts = [
        "# jobs.toml",
        (
            "What people state about their jobs, beside audit.toml; `config/jobs.toml` is a sample. It is read when a"
            " collection begins, a mistake is refused by its place, and the run keeps it: a report that is rendered"
            " later says what was stated then. What it says is shown as stated by people, apart from what was"
            " collected; what looks like a secret in it is hidden."
        ),
        (
            f"{several} patterns; of equals the first. That holds key by key: what the first leaves out, the next may"
            " say. The table `statements` names the entry in force and those it overrides; an entry that fits no job"
            " is told as `unmatched`. Attachments of all entries add up."
        ),
        (
            f"Attachments lie in jobs.toml's folder or below it ({limit}), each under a name of its own. They are"
            " copied into the run and the pack as they are, byte by byte: nothing in them is hidden."
        ),
        "## the file",
        _keys(register.RegisterFile),
    ]
    tables = {"[[jobs]]": JobEntry, "[jobs.objective]": Objective, "[jobs.idempotence]": Idempotence}
    tables |= {"[jobs.scaler_support]": ScalerSupport, "[[jobs.tests]]": PerformedTest}
    for title, shape in tables.items():
        parts += [f"## {title}", _about(shape), _keys(shape)]
    return parts


def _policy() -> list[str]:
    """Return the part about profiles, overrides and how long exceptions may hold."""
    parts = ["Beside the baselines it takes:", _keys(Frame).replace("array of table of typing.Any", "array of tables")]
    sets = [f"- `{name}`: {each.about} {_set_by(each.policy)}" for name, each in shipped().items()]
    parts += ["### Profiles", "\n".join(sets)]
    parts += [
        "### [[policy.overrides]]",
        _about(OverrideKeys),
        _keys(OverrideKeys),
        (
            "What is in force for a job: an override that fits it (of several the latest), else the key in [policy],"
            " else the profile, else the control's own default. A control is run once for each set of baselines. The"
            " table `parameters` and every finding tell the value and where it comes from."
        ),
        """```toml
[policy]
profile = "baseline"
max_executions_most = 100

[[policy.overrides]]
tags = { environment = "prod" }
profile = "strict"
max_executions_most = 50
```""",
        "### policy.exception_days_most",
        _about(ExceptionDays),
        _keys(ExceptionDays),
    ]
    return parts


def _set_by(policy: dict[str, Any]) -> str:
    told = ", ".join(f"`{key} = {_toml(value)}`" for key, value in sorted(policy.items()))
    return f"It sets {told}." if told else "It sets nothing."


def _exceptions() -> list[str]:
    """Return the part about the file of exceptions."""
    return [
        "# exceptions.toml",
        (
            "The failures that somebody bears for a time; `store.exceptions` names the file, and"
            " `config/exceptions.toml` is a sample. It is read when a collection begins and kept in the run. Every key"
            " has to be there; nothing in it may stand for several things. What is wrong in it is refused before"
            " anything is collected; what only a run can tell is a finding of control JA-40 and stands in the table"
            " `exceptions`:"
        ),
        (
            "- `in_force`: its failure is marked as waived, and stays a failure; `--fail-on` passes over it.\n"
            "- `expired`: its last day was before the end of the run; the failure counts again.\n"
            "- `unused`: the check passes, or does not apply, or the job was deleted.\n"
            "- `broken`: there is no such control, job or subject, or it asks for more days than"
            " `policy.exception_days_most` gives."
        ),
        "## [[exceptions]]",
        _about(Waiver),
        _keys(Waiver),
    ]


def _tickets() -> list[str]:
    """Return the part about files of approved changes."""
    meanings = _field_docs(Ticket)
    rows = ["| column | may be left out | meaning |", "|---|---|---|"]
    for column in COLUMNS:
        left_out = "no" if column in MANDATORY else "one of the two" if column in ("job", "resource") else "yes"
        if column in ("approver", "approved_at"):
            left_out = "no, but empty in a row"
        rows.append(f"| `{column}` | {left_out} | {meanings[column]} |")
    return [
        "# tickets.csv",
        (
            "What was approved, as a ticket system exports it: the files that `changes.files` names, `.csv` or `.json`;"
            " `config/tickets.csv` is a sample. They are read when a collection begins, and the run keeps the tickets:"
            " table `approved_changes`. Every change of the window is then held against them: `change_tickets`. A"
            " ticket belongs to a change where it names what was changed, the change began in the planned window, and"
            " the ticket's implementer made it."
        ),
        (
            "UTF-8, with or without a mark at its beginning; the first row names the columns, in any order; commas or"
            " semicolons part the cells. JSON is an array of objects with the same keys, the names of several approvers"
            " or implementers as arrays. A time bears its zone (`2026-11-01T22:00Z`, `2026-11-01T23:00+01:00`). One row"
            f" for each job or resource of a ticket, at most {tickets.MOST_TICKETS:,} in all,"
            f" {tickets.MOST_BYTES >> 20} MiB a file."
        ),
        (
            "A job's id or name stands for what was done to the job itself, a resource's for the resource and what"
            " belongs to it; the id of a resource group or subscription not for the resources in it: a pattern such as"
            " `/subscriptions/…/resourceGroups/rg-orders/*` does. People are compared by every name that the directory"
            " knows of who made the change; a name that several bear decides nothing. What looks like a secret in"
            " `risk`, `test` and `rollback` is hidden."
        ),
        "\n".join(rows),
    ]


def _prices() -> list[str]:
    """Return the part about the price list."""
    parts = ["# prices.toml", "The price list that `cost.prices` names; `config/prices.toml` is in use otherwise."]
    parts += ["## the file", _about(Prices), _keys(Prices)]
    for title, shape in {"[grant]": Grant, "[default] and [regions.NAME]": Rates}.items():
        parts += [f"## {title}", _about(shape), _keys(shape)]
    return parts


def _keys(shape: type[msgspec.Struct]) -> str:
    meanings = _field_docs(shape)
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key in msgspec.structs.fields(shape):
        told = "required" if key.required else f"`{_toml(_default(key))}`"
        rows.append(f"| `{key.name}` | {_type(key.type)} | {told} | {meanings.get(key.name, '')} |")
    return "\n".join(rows)


def _default(key: Any) -> Any:
    return key.default if key.default is not msgspec.NODEFAULT else key.default_factory()


def scaler_catalogue() -> str:
    """Return docs/scalers.md: what is known of each scaler for jobs, and how to say it differently."""
    known = scalers.shipped()
    looked_at = {name: each.jobs for name, each in known.scalers.items() if each.jobs}
    count = sum(len(each.parameters) for each in known.scalers.values())
    parts = [
        "# Scalers",
        NOTE,
        (
            f"config/scalers.json holds {len(known.scalers)} KEDA scalers with {count} parameters: KEDA's own schema"
            f" (version `{known.keda}`), and laid over it our table config/scalers-jobs.toml, which says for"
            f" {len(looked_at)} of them what matters to event-driven jobs, with the source of each statement. The table"
            " `scaler_facts` holds every scale rule against it."
        ),
        "`python docs/scaler_catalogue.py [SCHEMA.json]` makes the file anew from KEDA's schema and our table.",
        "## Support for jobs",
        (
            "Event-driven jobs accept any KEDA scaler that a ScaledObject can use; the platform has no tested list."
            " `documented`: its pages about jobs name the scaler or its event source. `keda-backed`: KEDA describes it"
            " for Azure, nothing names it for jobs; verify. `verify`: KEDA has it, nobody has looked at it for jobs."
            " `unknown`: not in the catalogue. Whoever tried one says so under `[[scalers]]` in audit.toml or as"
            " `scaler_support` in jobs.toml ([configuration.md](configuration.md))."
        ),
        "| scaler | support | threshold, default | identity | said in |",
    ]
    rows = ["|---|---|---|---|---|"]
    for name, jobs in looked_at.items():
        threshold = f"`{jobs.threshold}`, {jobs.threshold_default or 'none: it must be set'}"
        identity = "yes" if known.scalers[name].identity else "no"
        rows.append(f"| [`{name}`](#{name}) | {jobs.support} | {threshold} | {identity} | {jobs.support_source} |")
    parts[-1] += "\n" + "\n".join(rows)
    for name in looked_at:
        parts += [f"### {name}", _scaler(known.scalers[name])]
    others = ", ".join(f"`{name}`" for name in known.scalers if name not in looked_at)
    parts += ["## To be verified", f"KEDA has these, and our table says nothing of them for jobs: {others}."]
    parts += [
        "## A catalogue of your own",
        (
            "`store.scalers` in audit.toml names a JSON file of the same shape. What it lists replaces that scaler"
            " wholly, so copy its entry and change that; what it doesn't list stays. The run keeps what differs."
        ),
        '```json\n{"scalers": {"our-queue": {"parameters": {"depth": {"required": true, "from": ["metadata"]}}}}}\n```',
        "A scaler:\n\n" + _meanings(Scaler),
        "A parameter (`from` in the file is `read_from` here):\n\n" + _meanings(Parameter),
    ]
    return "\n\n".join(parts) + "\n"


def _scaler(scaler: Scaler) -> str:
    jobs = scaler.jobs
    assert jobs is not None
    source = jobs.event_source
    secrets = [name for name, parameter in scaler.parameters.items() if parameter.secret]
    ended = {name: parameter.deprecated for name, parameter in scaler.parameters.items() if parameter.deprecated}
    lines = {
        "Event source": f"{source.resolves}{f' ({source.resource})' if source.resource else ''}.",
        "Told by": _names((*source.address, *source.entity)),
        "A job's rule needs": _names(jobs.requires),
        "with an identity also": _names(jobs.requires_with_identity),
        "without one also": _names(jobs.requires_without_identity),
        "and where given": "; ".join(f"`{name}`: {_names(more)}" for name, more in jobs.requires_if.items()),
        "Carry secrets": _names(secrets),
        "Deprecated": "; ".join(f"`{name}`: {' '.join(told.values())}" for name, told in ended.items()),
        "Notes": " ".join(jobs.notes),
        "Unverified": " ".join(jobs.unverified),
        "Sources": ", ".join(jobs.sources),
    }
    return "\n".join(f"- {key}: {text}" for key, text in lines.items() if text)


def _names(names: Iterable[str]) -> str:
    return ", ".join(" or ".join(f"`{part}`" for part in name.split("|")) for name in names)


def _meanings(shape: type[msgspec.Struct]) -> str:
    meanings = _field_docs(shape)
    return "\n".join(f"- `{key.name}`: {meanings.get(key.name, '')}" for key in msgspec.structs.fields(shape))


def controls() -> str:
    """Return docs/controls.md."""
    return catalogue.markdown(load([packaged("config") / "controls"]), frameworks())


def _words(table: str) -> tuple[str, dict[str, str]]:
    """Return what docs/derived.toml says of a table and of its columns."""
    said = DERIVED[table]
    return said.get("about", ""), said["columns"]


def _described(columns_of: list[tuple[str, str]], meanings: dict[str, str]) -> str:
    rows = ["| column | type | meaning |", "|---|---|---|"]
    return "\n".join(rows + [f"| `{column}` | {kind} | {meanings.get(column, '')} |" for column, kind in columns_of])


def _derived() -> dict[str, list[tuple[str, str]]]:
    """Derive an empty run and return the columns of what comes out."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    for record in (*evidence.record_types(), Coverage):
        schema = ", ".join(f'"{name}" {kind}' for name, kind in columns(record))
        con.execute(f"create table {record.table} ({schema})")
    then = datetime(2026, 1, 1, tzinfo=UTC)
    run = Run(
        run_id="-", state=RunState.DONE, tool_version="-", cloud="-", endpoint="-", caller=None,
        window=Window.month(2026, 1), subscriptions=(), expected_subscriptions=(), kinds=(), started=then,
    )  # fmt: skip
    derive.derive(con, run)
    there = con.execute("select table_name from duckdb_tables() where schema_name = 'main' and not temporary")
    described = {record.table for record in (*evidence.record_types(), *RECORDS)}
    names = {name for (name,) in there.fetchall()} - described
    if names != DERIVED.keys():
        raise ValueError(f"docs/derived.toml and the derived tables differ: {sorted(names ^ DERIVED.keys())}")
    found = {
        name: [(row[0], row[1]) for row in con.execute(f"describe {name}").fetchall() if row[0] not in STANDARD]
        for name in DERIVED
    }
    for name, described_columns in found.items():
        unknown = DERIVED[name]["columns"].keys() - {column for column, _ in described_columns}
        if unknown:
            raise ValueError(f"docs/derived.toml describes columns of {name} that aren't there: {sorted(unknown)}")
    return found


PAGES = {
    "tables.md": tables,
    "configuration.md": configuration,
    "controls.md": controls,
    "scalers.md": scaler_catalogue,
    "findings.schema.json": lambda: results.schema().decode(),
}


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
    """Return the string that stands under each field, by field; those of its base first."""
    found: dict[str, str] = {}
    for base in reversed([each for each in shape.__mro__ if each.__module__.startswith("audit.")]):
        found |= _own_docs(base)
    return found


def _own_docs(shape: type) -> dict[str, str]:
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
    if get_origin(hint) in (tuple, dict):
        several = "array of " if get_origin(hint) is tuple else "table of "
        return several + _type(get_args(hint)[-2 if get_origin(hint) is tuple else -1])
    if isinstance(hint, types.UnionType):
        return _type(get_args(hint)[0])
    if hasattr(hint, "__metadata__"):
        return _type(get_args(hint)[0]) + (" (GUID)" if "0-9a-fA-F" in str(hint) else "")
    if get_args(hint):
        return " \\| ".join(f"`{choice}`" for choice in get_args(hint))
    words = {str: "text", int: "whole number", float: "number", Decimal: "exact number", bool: "boolean", date: "day"}
    return words.get(hint, "table" if isinstance(hint, type) and issubclass(hint, msgspec.Struct) else str(hint))


def _toml(value: Any) -> str:
    if value is None:
        return "unset"
    return "{ }" if isinstance(value, msgspec.Struct) else msgspec.json.encode(value).decode().replace("{}", "{ }")


if __name__ == "__main__":
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")
