"""What is asked for: the file that will be applied, read strictly before anything is done with it.

A document is what ``az containerapp job update --yaml`` takes and ``az containerapp job show`` prints: the job as ARM
spells it, whole or in part. A file holds one document or several (``---``, or a JSON list), or an ARM template whose
values are all literal. What stands in it may be a secret: no message, no ``repr`` and no log repeats a value.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from audit.change import document, shape
from audit.change.document import below, refused
from audit.model import ids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TYPE = "Microsoft.App/jobs"
_JOB_ID = re.compile(r"(?i)/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.app/jobs/[^/]+")
_EXPRESSION = re.compile(r"\[\s*(?P<function>[A-Za-z][\w.]{0,40})\s*\(.*\]", re.DOTALL)
_FUNCTIONS = frozenset({"parameters", "variables", "concat", "reference", "resourceid", "format", "json", "if"})
"""Functions of ARM templates that no command line looks like; any function counts inside a template."""
_MARK = "[redacted:"

_READ_ONLY = ("systemData", "etag", "identity.principalId", "identity.tenantId", "properties.provisioningState",
              "properties.runningState", "properties.runningStatus", "properties.outboundIpAddresses",
              "properties.eventStreamEndpoint")  # fmt: skip
"""Members that Azure sets itself: in the file they have no effect."""
_NAMING = ("id", "name", "resourceGroup", "type")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One document of a file: the job that it names, and what is asked of it. Holds secrets; its repr doesn't."""

    file: str
    """The file's name, without its folder."""
    sha256: str
    """Of the file as given."""
    place: str
    """Which document of the file, for messages; empty where there is one."""
    job_id: str
    """Empty where the document names the job by name only."""
    name: str
    resource_group: str
    """Empty where the document doesn't tell."""
    whole: bool
    """The document is the whole definition and replaces the job's (an ARM template), not a part that is merged in."""
    members: dict[str, Any]
    """What is asked for, without what names the job and what Azure sets itself; nulls as written."""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return what the document is about, and nothing of what it holds."""
        return f"Asked({self.file!r}, {self.place!r}, job={self.job_id or self.name!r})"

    __str__ = __repr__

    @property
    def where(self) -> str:
        """The place in the file, for messages."""
        return f"{self.file}: {self.place}" if self.place else self.file


def read(path: Path) -> list[Asked]:
    """Read the file that will be applied, its documents in their order.

    Raises ConfigError naming file, place and what was expected: for what is no YAML or JSON, an unknown member, a wrong
    type, a document that names no job or a job that another names too, an expression, a redaction mark.
    """
    content, documents = document.read(path)
    digest = hashlib.sha256(content).hexdigest()
    asked = [_asked(one, place, path, digest, whole, notes) for place, one, whole, notes in _documents(documents, path)]
    if not asked:
        raise refused(
            path,
            "",
            "the file asks for nothing about a job",
            hint="write the job's definition, or the part that changes",
        )
    seen: dict[str, Asked] = {}
    for each in asked:
        first = seen.setdefault((each.job_id or f"{each.resource_group}/{each.name}").lower(), each)
        if first is not each:
            raise refused(
                path, each.place, f"the job is that of {first.place} too", hint="put what is asked into one document"
            )
    return asked


def _documents(found: list[Any], path: Path) -> Iterator[tuple[str, dict[str, Any], bool, tuple[str, ...]]]:
    """Yield (place, document, whether it replaces the definition, notes)."""
    flat: list[tuple[str, Any]] = []
    for index, each in enumerate(found):
        many = len(found) > 1
        if isinstance(each, list):
            flat += [
                (f"{f'document {index + 1}, ' if many else ''}item {nth + 1}", one) for nth, one in enumerate(each)
            ]
        elif each is not None or not many:
            flat.append((f"document {index + 1}" if many else "", each))
    for place, each in flat:
        if not isinstance(each, dict):
            raise refused(path, place, "this is no job: an object of names and values was expected",
                          hint="begin with `name:` or `id:`, then `properties:`")  # fmt: skip
        if "resources" in each:
            yield from _resources(each["resources"], place, path)
        else:
            yield place, each, False, ()


def _resources(found: Any, place: str, path: Path) -> Iterator[tuple[str, dict[str, Any], bool, tuple[str, ...]]]:
    listed = (
        list(found.items()) if isinstance(found, dict) else list(enumerate(found)) if isinstance(found, list) else []
    )
    jobs, others = [], []
    for key, each in listed:
        here = f"{place}, " * bool(place) + (f"resources.{key}" if isinstance(key, str) else f"resources[{key}]")
        kind = each.get("type") if isinstance(each, dict) else None
        if not isinstance(kind, str):
            raise refused(path, here, "a resource without a type", hint="write `type`, such as Microsoft.App/jobs")
        if kind.lower() == TYPE.lower():
            jobs.append((here, {name: one for name, one in each.items() if name not in shape.TEMPLATE_ONLY}))
        else:
            others.append(kind)
    notes = (f"the template holds other resources too, which were not looked at: {', '.join(sorted(set(others)))}",)
    for here, each in jobs:
        yield here, each, True, notes if others else ()


def _asked(one: dict[str, Any], place: str, path: Path, digest: str, whole: bool, notes: tuple[str, ...]) -> Asked:  # noqa: PLR0917  a document and where it stands
    here = f"{path}: {place}" if place else str(path)
    lifted = _lifted(one, here)
    shape.check(lifted, shape.JOB, "", here)
    lifted = _literal(lifted, "", here, template=whole)
    job_id, name, group = _named(lifted, here)
    members, ignored = _without_read_only(lifted)
    if ignored:
        notes = (*notes, "Azure sets these itself, so they were left out: " + ", ".join(ignored))
    return Asked(
        file=path.name,
        sha256=digest,
        place=place,
        job_id=job_id,
        name=name,
        resource_group=group,
        whole=whole,
        members=members,
        notes=notes,
    )


def _lifted(one: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the document with what belongs under ``properties`` there: the CLI takes it at the top as well."""
    top = {key: value for key, value in one.items() if key in shape.PROPERTIES}
    if not top:
        return one
    below_it = one.get("properties") or {}
    both = sorted(top.keys() & below_it.keys()) if isinstance(below_it, dict) else ["properties"]
    if both:
        raise refused(
            path, "", f"{both[0]} stands at the top and under properties", hint="keep the one under properties"
        )
    return {**{key: value for key, value in one.items() if key not in top}, "properties": {**below_it, **top}}


def _literal(value: Any, place: str, path: str, *, template: bool) -> Any:
    """Refuse marks and expressions; return the value as a template means it, where ``[[`` is a bracket."""
    if isinstance(value, dict):
        for key in value:
            if _MARK in key:
                raise _marked(path, place)
        return {key: _literal(each, below(place, key), path, template=template) for key, each in value.items()}
    if isinstance(value, list):
        return [_literal(each, f"{place}[{index}]", path, template=template) for index, each in enumerate(value)]
    if not isinstance(value, str):
        return value
    if place.endswith(".resources.cpu"):
        return float(value)  # the CLI takes a number in quotes, and sends the number
    if _MARK in value:
        raise _marked(path, place)
    found = _EXPRESSION.fullmatch(value)
    if found and (template or found["function"].lower() in _FUNCTIONS) and not value.startswith("[["):
        told = f"an expression of an ARM template: [{found['function']}(…)]"
        raise refused(
            path, place, told, hint="write the value itself: what an expression will come to isn't known here"
        )
    return value[1:] if template and value.startswith("[[") else value


def _marked(path: str, place: str) -> Exception:
    told = "a redaction mark ([redacted:…]) stands in the file: a redaction mark must never reach production"
    return refused(path, place, told, hint="put the real value there, or a reference to a secret")


def _named(one: dict[str, Any], path: str) -> tuple[str, str, str]:
    """Return the job's id, name and resource group, as far as the document names it."""
    job_id, name, group = (one.get(key) or "" for key in _NAMING[:3])
    if (kind := one.get("type")) and kind.lower() != TYPE.lower():
        raise refused(path, "type", f"this is no {TYPE}", hint="give the file of a Container Apps job")
    if job_id and not _JOB_ID.fullmatch(job_id):
        hint = "/subscriptions/…/resourceGroups/…/providers/Microsoft.App/jobs/NAME"
        raise refused(path, "id", "id is not the resource id of a job", hint=hint)
    if not job_id and not name:
        raise refused(
            path,
            "",
            "the document names no job",
            hint="write `name` (with `resourceGroup` where several jobs have it), or `id`",
        )
    for key, said, meant in (
        ("name", name, ids.name_of(job_id)),
        ("resourceGroup", group, ids.resource_group_of(job_id)),
    ):
        if job_id and said and said.lower() != (meant or "").lower():
            raise refused(path, key, f"{key} and id name different jobs", hint="keep the one that is meant")
    if "/" in name or "/" in group:
        raise refused(path, "name", "a name holds no slash", hint="write the whole id as `id`")
    return job_id, ids.name_of(job_id) if job_id else name, ids.resource_group_of(job_id) or group


def _without_read_only(one: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the members that an update can set, and the names of those that it can't."""
    ignored = [place for place in _READ_ONLY if _holds(one, place)]
    members = _dropped({key: value for key, value in one.items() if key not in _NAMING}, _READ_ONLY)
    identity = members.get("identity")
    users = identity.get("userAssignedIdentities") if isinstance(identity, dict) else None
    if isinstance(users, dict):  # the CLI empties them too: what they hold is Azure's
        emptied: dict[str, Any] = {key: each if each is None else {} for key, each in users.items()}
        members["identity"] = {**members["identity"], "userAssignedIdentities": emptied}
    return members, ignored


def _holds(one: dict[str, Any], place: str) -> bool:
    first, _, rest = place.partition(".")
    inner = one.get(first)
    return inner is not None and (not rest or (isinstance(inner, dict) and _holds(inner, rest)))


def _dropped(one: dict[str, Any], places: tuple[str, ...]) -> dict[str, Any]:
    found = {}
    for key, value in one.items():
        if key in places:
            continue
        inner = tuple(place.partition(".")[2] for place in places if place.startswith(f"{key}."))
        found[key] = _dropped(value, inner) if inner and isinstance(value, dict) else value
    return found
