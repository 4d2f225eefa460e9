"""The catalogue of controls as a page: docs/controls.md is made by ``python -m audit.assess.catalogue``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

import msgspec

from audit.assess.answers import LONGEST_REASON
from audit.assess.frameworks import LINK, Framework, frameworks
from audit.assess.header import Area, Control, Header
from audit.assess.load import load
from audit.model import Verdict

_INTRODUCTION = """\
# Controls

<!-- Made by `python -m audit.assess.catalogue`: edit the control files, not this page. -->

A control is one `.sql` file: a header in its first comment, then exactly one SELECT. It answers once for each of its
subjects with one of these words.

| word | meaning |
|---|---|
| `pass` | the evidence shows that the subject does what the control asks |
| `fail` | the evidence shows that it doesn't |
| `not_assessed` | evidence that it needs is missing for that job: nothing was concluded, whatever the SELECT says |
| `not_applicable` | there is nothing to ask: the job has no such subject |

Two keys of the header let an answer stand beside a gap: `fails_despite`, for failures that what was read shows all the
same, and `spares`, for subjects that rest on other evidence. The reason then names the gap. A reason is kept as one
line of at most {longest:,} characters.

A link to a framework says that a control *{link}* a requirement. It never says that anybody is compliant. Labels of
requirements are ours.

## Writing a control of your own

Put a `.sql` file into a folder and name the folder under `store.controls` in audit.toml. A control with the id of a
built-in one replaces it.

```sql
{example}```

| header key | meaning |
|---|---|
{keys}

Areas: {areas}. `subjects` and the SELECT see every table of the run, and
`parameters(control_id, job_id, name, value, origin)`, where `value` is JSON and `job_id` null: where [policy] has
overrides, a control is run once for each set of baselines, sees that set, and is believed about the jobs that it holds
for. Jobs out of scope are passed over. A `job_id` that is null in both asks and answers about the whole estate. The SQL
is run read-only, without files or network, for at most 30 seconds.

### Try it on a fixture

`jobaudit controls test ACME-01.sql --fixture acme.toml` runs one control over small tables and tells, line by line,
which verdicts aren't as expected; the exit code is 1 then.

```toml
{fixture}```

A fixture is such a file, the same as JSON, or a folder with a file for each table (`jobs.csv`, `tags.json`, …,
`expected.csv`); an empty cell of a CSV is null. Tables are those of [tables.md](tables.md), with the columns that
matter; a table that isn't given is derived from the others, or empty, and nothing counts as missing unless `job_gaps`
or `coverage` says so. A job may be called by its name: it gets an id, and other tables may name it under `job`. Every
verdict has to be expected, `not_applicable` too; `reason`, where given, is part of the reason. `[policy]` sets the
control's parameters, `[run]` the end (`until`) and length (`days`) of the window.

### Run it again by hand

From a pack's folder, with DuckDB and nothing else:

```console
$ duckdb -init controls/views.sql < controls/identity/JA-09-managed-identity.sql
```

or, with what is installed already, from anywhere:

```console
$ jobaudit sql PACK "$(cat PACK/controls/identity/JA-09-managed-identity.sql)"
```

controls/views.sql names the Parquet files as tables; it says too how to judge by the baselines of one job: both
commands judge every job by the baselines without overrides.

A control whose SQL fails or takes too long answers `not_assessed` for every job, and one that answers wrongly about a
job (a subject twice, another word) for that job. The others are run all the same: the pack names the failed control on
its first page and in its coverage, and the exit code is 3. `jobaudit controls test RUN` ends with an error that names
each. A header or a statement that can't be parsed is refused before anything is collected. An error names the file, the
line and the column and, where a name isn't there, the tables or the columns that are.

## The controls
"""

EXAMPLE = """\
/*---
id: ACME-01
title: Jobs run in West Europe
area: governance
severity: low
needs: [jobs]
subjects: |
  select job_id, name as subject from jobs where in_scope
rationale: Our contracts say where data is worked on.
remediation: Deploy the job into West Europe.
---*/
select job_id, name as subject,
       if(location = 'West Europe', 'pass', 'fail') as verdict,
       'it runs in ' || coalesce(location, 'an unknown place') as reason
from jobs where in_scope
"""
"""A control that a reader may start from."""

FIXTURE = """\
[[jobs]]
name = "orders"
location = "West Europe"

[[jobs]]
name = "billing"
location = "North Europe"

[[expected]]
job = "orders"
subject = "orders"
verdict = "pass"

[[expected]]
job = "billing"
subject = "billing"
verdict = "fail"
reason = "North Europe"
"""
"""A fixture for it."""

KEYS = {
    "id": "stands in every verdict, for example `ACME-01`",
    "title": "what is so when the control passes",
    "area": "one of the areas below",
    "severity": "how much a failure weighs: `low`, `medium`, `high` or `critical`",
    "needs": "the evidence kinds it rests on; a gap in one of them for a job answers `not_assessed`",
    "subjects": "one SELECT giving `job_id, subject`: everything that the control has to answer for",
    "rationale": "why it matters, and what a pass doesn't say",
    "remediation": "what to do about a failure",
    "limits": "what the control can't see: what a pass doesn't rule out",
    "fails_despite": "kinds of `needs` whose gap leaves a `fail` standing, because what was read shows it",
    "spares": "by kind of `needs`, the subjects that don't rest on it: its gap leaves their answers standing",
    "empty": "the reason given for a job without any subject",
    "frameworks": "requirement ids by framework: `mcsb`, `iso27001`, `soc2`, `nist80053`, `pci`, `cis`",
    "last": "`true`: it is run after all others, and sees their answers in `verdicts` and `exceptions`",
    "parameters": "baselines by name, each with `default`, `description` and, where the default doesn't tell, `type`",
}
"""What each key of a header means."""


def markdown(controls: Sequence[Control], labels: Mapping[str, Framework]) -> str:
    """Return the catalogue as Markdown: the same controls give the same text."""
    fields = msgspec.structs.fields(Header)
    keys = "\n".join(
        f"| `{field.name}`{'' if field.required else ' (may be left out)'} | {KEYS[field.name]} |" for field in fields
    )
    areas = ", ".join(f"`{word}`" for word in get_args(Area))
    parts = [
        _INTRODUCTION.format(
            link=LINK, example=EXAMPLE, fixture=FIXTURE, keys=keys, areas=areas, longest=LONGEST_REASON
        )
    ]
    parts.append("\n".join(_overview(controls)) + "\n")
    parts.extend("\n".join(_section(control, labels)) + "\n" for control in controls)
    return "\n".join(parts)


def _overview(controls: Sequence[Control]) -> Iterator[str]:
    yield "| id | area | control | severity | needs |"
    yield "|---|---|---|---|---|"
    for control in controls:
        header = control.header
        link = f"[{_cell(header.title)}](#{control.id.lower()})"
        yield f"| {control.id} | {header.area} | {link} | {header.severity} | {', '.join(header.needs)} |"


def _section(control: Control, labels: Mapping[str, Framework]) -> Iterator[str]:
    header = control.header
    yield f"### {control.id}"
    yield f"\n**{header.title}** ({header.area}, {header.severity}; {control.file})"
    yield f"\n{_prose(header.rationale)}"
    yield f"\n*What to do:* {_prose(header.remediation)}"
    if header.limits:
        yield f"\n*What it can't see:* {_prose(header.limits)}"
    yield f"\n*Where a job has no subject:* `{Verdict.NOT_APPLICABLE}`, {_prose(header.empty)}."
    if header.parameters:
        yield "\n| [policy] key | default | meaning |"
        yield "|---|---|---|"
        for name, parameter in sorted(header.parameters.items()):
            default = _cell(json.dumps(parameter.default, ensure_ascii=False))
            yield f"| `{name}` | `{default}` | {_cell(parameter.description)} |"
    links = [
        f"- {'weakly ' if control.id in labels[key].weak.get(each, ()) else ''}{LINK} {labels[key].name} {each}"
        + (f": {labels[key].labels[each]}" if each in labels[key].labels else "")
        for key, ids in msgspec.to_builtins(header.frameworks).items()
        for each in ids
    ]
    if links:
        yield "\n" + "\n".join(links)


def _prose(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(markdown(load(), frameworks()))
