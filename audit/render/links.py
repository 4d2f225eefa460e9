"""Where things are inside a pack: names of job pages, raw page views and verdict pages, for report and workbook.

Every function returns a path relative to the pack's folder, or None where there is nothing to lead to.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from audit.model import ids

ITEMS_PER_VIEW = 200
"""A raw page with more items than this is shown over several views, so that each of them opens at once."""

_REF = re.compile(
    r"^raw/(?P<kind>[a-z][a-z0-9_]*)/(?P<unit>[0-9a-f]{8,64})\.jsonl\.zst"
    r"#line=(?P<line>[0-9]+)&item=(?P<item>[0-9]+)(?:&request=(?P<request>.*))?$",
)
_EARLIER = re.compile(r"^runs/(?P<run>[^/]+)/(?P<ref>.+)$")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 60


class RawRef(NamedTuple):
    """A raw_ref taken apart. ``line`` counts from 1, ``item`` from 0."""

    kind: str
    unit: str
    line: int
    item: int
    request: str


@lru_cache(maxsize=4096)  # a row asks for its own several times
def parse(raw_ref: str | None) -> RawRef | None:
    """Take a raw_ref apart; None where a row leads to no item: a unit of coverage, run.json, a control's file."""
    match = _REF.match(raw_ref or "")
    if match is None:
        return None
    return RawRef(match["kind"], match["unit"], int(match["line"]), int(match["item"]), match["request"] or "")


def safe_name(text: str) -> str:
    """Return text as part of a file name: letters, digits, dot, dash and underscore, never hidden, bounded."""
    return _UNSAFE.sub("-", text).strip(".-")[:_LONGEST_NAME] or "unnamed"


def digest(table: str, *key: str) -> str:
    """Return the first 8 hex digits of the row_id that a record of this table and key has."""
    return hashlib.sha256("\x1f".join([table, *(part.lower() for part in key)]).encode()).hexdigest()[:8]


def job_page(job_id: str) -> str:
    """Return the page of a job, also of a deleted one: ``jobs/<name>-<8 hex of the row_id in table jobs>.html``.

    The same for every spelling of the id, because Azure's own spellings differ.
    """
    return f"jobs/{job_file(job_id, '.html')}"


def job_file(job_id: str, suffix: str) -> str:
    """Return the name that a file about a job has: ``<name>-<8 hex of the row_id in table jobs><suffix>``."""
    return f"{safe_name(ids.name_of(job_id)).lower()}-{digest('jobs', job_id)}{suffix}"


def incident_page(job_id: str, number: int = 1) -> str:
    """Return the incident view of a job: ``incidents/<name>-<8 hex>.html``; further windows are numbered."""
    return numbered(f"incidents/{job_page(job_id).removeprefix('jobs/').removesuffix('.html')}", number)


def view(kind: str, unit: str, line: int, part: int = 0) -> str:
    """Return the readable view of one raw page; ``part`` counts from 0 where a page needs several views."""
    return f"pages/{kind}/{unit}-{line}{f'.{part + 1}' if part else ''}.html"


def raw_page(raw_ref: str | None) -> str | None:
    """Return the readable view of the item a row was made of: ``pages/<kind>/<unit>-<line>.html#i<item>``.

    A row that a whole unit says leads to the unit's first page.
    """
    ref = parse(raw_ref)
    if ref is None:
        unit = parse(f"{raw_ref}#line=1&item=0")
        return view(unit.kind, unit.unit, 1) if unit else None
    return f"{view(ref.kind, ref.unit, ref.line, ref.item // ITEMS_PER_VIEW)}#i{ref.item}"


def raw_file(raw_ref: str | None) -> str | None:
    """Return the file of the pack that a row was made of: raw pages as received and redacted, run.json, a control."""
    ref = parse(raw_ref) or parse(f"{raw_ref}#line=1&item=0")
    if ref is not None:
        return f"raw/{ref.kind}/{ref.unit}.jsonl.zst"
    return raw_ref if raw_ref and (raw_ref == "run.json" or raw_ref.startswith("controls/")) else None


def reference(raw_ref: str) -> str:
    """Return how a link to a raw page reads: the kind, and the item where the row has one of its own.

    A row from history leads to the raw pages of another run, which this pack doesn't hold: the run is named.
    """
    earlier = _EARLIER.match(raw_ref)
    if earlier:
        return f"{reference(earlier['ref'])}, run {earlier['run']}"
    ref = parse(raw_ref)
    if ref is not None:
        page = f" p{ref.line}" if ref.line > 1 else ""
        return f"{ref.kind.replace('_', ' ')}{page} #{ref.item}"
    unit = parse(f"{raw_ref}#line=1&item=0")
    return unit.kind.replace("_", " ") if unit else raw_ref.rpartition("/")[2]


def numbered(name: str, number: int) -> str:
    """Return the file of page ``number`` (from 1) of a listing: ``name.html``, ``name-2.html``, …."""
    return f"{name}.html" if number == 1 else f"{name}-{number}.html"


def verdict_page(control_id: str, number: int = 1) -> str:
    """Return the page that lists every verdict of a control."""
    return numbered(f"verdicts/{safe_name(control_id)}", number)


def framework_page(framework: str, requirement: str = "") -> str:
    """Return the page of a framework, at one of its requirements where that is named."""
    page = f"frameworks/{safe_name(framework)}.html"
    return f"{page}#{requirement_anchor(requirement)}" if requirement else page


def requirement_anchor(requirement: str) -> str:
    """Return the id of a requirement's rows on its framework's page: readable where its id is a name, unique always."""
    name = safe_name(requirement)
    return f"r-{name}" if name == requirement else f"r-{name}-{digest('requirements', requirement)}"


def coverage_page(kind: str, number: int = 1) -> str:
    """Return the page that lists every unit of collection of a kind."""
    return numbered(f"coverage/{safe_name(kind)}", number)
