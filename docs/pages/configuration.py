"""docs/configuration.md: every key of audit.toml, and of the files beside it."""

from __future__ import annotations

from typing import Any

import msgspec

from audit.assess.policy import ExceptionDays, Frame, OverrideKeys
from audit.assess.profiles import shipped
from audit.config import register, tickets
from audit.config.settings import Settings
from audit.config.tickets.tables import COLUMNS, MANDATORY
from audit.model.prices import Grant, Prices, Rates
from audit.model.review import ReviewRule
from audit.model.stated import Idempotence, JobEntry, Objective, PerformedTest, ScalerSupport, VerifiedScaler
from audit.model.ticket import Ticket
from audit.model.waiver import Waiver
from docs.pages.fields import NOTE, about, field_docs, keys, toml


def page() -> str:
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
        parts += [f"## [{field.name}]", about(field.type), keys(field.type)]
    parts += ["## [[review.reviewers]]", about(ReviewRule), keys(ReviewRule)]
    parts += ["## [[scalers]]", about(VerifiedScaler), keys(VerifiedScaler)]
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
        keys(register.RegisterFile),
    ]
    tables = {"[[jobs]]": JobEntry, "[jobs.objective]": Objective, "[jobs.idempotence]": Idempotence}
    tables |= {"[jobs.scaler_support]": ScalerSupport, "[[jobs.tests]]": PerformedTest}
    for title, shape in tables.items():
        parts += [f"## {title}", about(shape), keys(shape)]
    return parts


def _policy() -> list[str]:
    """Return the part about profiles, overrides and how long exceptions may hold."""
    parts = ["Beside the baselines it takes:", keys(Frame).replace("array of table of typing.Any", "array of tables")]
    sets = [f"- `{name}`: {each.about} {_set_by(each.policy)}" for name, each in shipped().items()]
    parts += ["### Profiles", "\n".join(sets)]
    parts += [
        "### [[policy.overrides]]",
        about(OverrideKeys),
        keys(OverrideKeys),
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
        about(ExceptionDays),
        keys(ExceptionDays),
    ]
    return parts


def _set_by(policy: dict[str, Any]) -> str:
    told = ", ".join(f"`{key} = {toml(value)}`" for key, value in sorted(policy.items()))
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
            "- `broken`: the run knows no such job or subject, or is rendered without the control. A control that isn't"
            " there, and more days than `policy.exception_days_most` gives, are refused before."
        ),
        "## [[exceptions]]",
        about(Waiver),
        keys(Waiver),
    ]


def _tickets() -> list[str]:
    """Return the part about files of approved changes."""
    meanings = field_docs(Ticket)
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
    parts += ["## the file", about(Prices), keys(Prices)]
    for title, shape in {"[grant]": Grant, "[default] and [regions.NAME]": Rates}.items():
        parts += [f"## {title}", about(shape), keys(shape)]
    return parts
