"""Who can do what, in words that an auditor can repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from audit.model import ids
from audit.render.names import Who
from audit.render.text import listing, plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.render.dossier.batch import Facts
    from audit.render.rows import Row

FIRST = "update_job"
"""The capability that says most of a job, where anybody has it."""
_MANY, _FEW = 8, 6
_SORTS = (
    ("people", "person", "people"),
    ("applications", "application", ""),
    ("groups", "group whose members are not known", "groups whose members are not known"),
    ("keys", "holder of a key", "holders of keys"),
)


def shared(reasons: Sequence[Sequence[str]]) -> list[str]:
    """Return the reasons that all of several answers have; told once, they needn't be told with each."""
    return [each for each in reasons[0] if all(each in other for other in reasons)] if len(reasons) > 1 else []


def lowered(title: str) -> str:
    """Return a capability's title as it follows "can"."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def capabilities(can: set[int], titles: Mapping[int, str], applicable: set[int]) -> str:
    """Return capabilities by their titles, privileged ones first; nearly all of them by what is missing."""
    known = sorted(number for number in can if number in titles)
    lacking = sorted(applicable - can)
    if len(known) >= _MANY and len(lacking) <= _FEW:
        less = listing([lowered(titles[number]) for number in lacking])
        return "Every capability above" + (f" but: {less}" if lacking else "")
    return ", ".join(lowered(titles[number]) if at else titles[number] for at, number in enumerate(known))


def whoever(via_kind: str, assignment_id: str) -> Who:
    """Return who holds a key or a password: nobody can tell from Azure."""
    if via_kind == "admin_user":
        registry = ids.name_of(assignment_id.rpartition("/")[0])
        return Who(f"whoever has the admin user's password of {registry}", "", "", (), True, None)
    return Who(f"whoever has a key of {ids.name_of(assignment_id)}", "shared-access policy", "", (), True, None)


def identity(identity_id: str, job_id: str) -> str:
    """Return what an identity is called."""
    return "its system-assigned identity" if identity_id.lower() == job_id.lower() else ids.name_of(identity_id)


def own_secrets(facts: Facts) -> dict[str, int]:
    """Return how many of the job's own secrets lie in each vault, by the vault's id."""
    hosts = {str(row["host"]).lower(): row["vault_id"].lower() for row in facts["vaults"] if row["host"]}
    found: dict[str, int] = {}
    for row in facts["secrets"]:
        vault = hosts.get(_host(row["key_vault_url"]))
        if vault:
            found[vault] = found.get(vault, 0) + 1
    return found


def _host(url: str | None) -> str:
    try:
        return (urlsplit(url or "").hostname or "").lower()
    except ValueError:
        return ""


def worst(answers: Sequence[Row], held: Mapping[str, Row], identities: Sequence[Row]) -> str:
    """Return the sentence that says the worst that is true of a job."""
    asked = [row for row in answers if row["applicable"] and row["privileged"]]
    if not asked:
        return ""
    asked.sort(key=lambda row: (row["capability"] != FIRST, row["number"]))
    now = next((row for row in asked if row["active"]), None)
    later = next((row for row in asked if row["eligible"]), None)
    if now is not None:
        parts = [_now(now, held.get(now["capability"]))]
    elif later is not None:
        can = f"after an activation {plural(later['eligible'], 'principal')} can {lowered(later['title'])}"
        parts = [f"Nobody who is known can {lowered(asked[0]['title'])} now", can]
    else:
        parts = ["Nobody who is known holds a privileged capability"]
    parts.extend(_flagged(held.get("")))
    parts.extend(_opened(identities))
    text = "; ".join(parts) + "."
    return text if all(row["complete"] for row in asked) else f"{text} Not everything could be read: see below."


def _now(row: Row, held: Row | None) -> str:
    at_least = "" if row["complete"] else "At least "
    if held is None:
        return f"{at_least}{plural(row['active'], 'principal')} can {lowered(row['title'])} now"
    told = [plural(held[name], one, many) for name, one, many in _SORTS if held[name]]
    other = held["total"] - sum(held[name] for name, _, _ in _SORTS)
    if other:
        told.append(plural(other, "principal") + " of unknown kind")
    text = f"{at_least}{listing(told)} can {lowered(row['title'])} now"
    if held["grouped"]:
        text += f", {held['grouped']:,} of them through a group"
    if row["eligible"]:
        text += f", and {row['eligible']:,} can after an activation"
    return text


def _flagged(held: Row | None) -> list[str]:
    """Return how many of those with any privileged access an auditor asks about first."""
    if held is None:
        return []
    flags = [
        f"{held[name]:,} {one if held[name] == 1 else many}"
        for name, one, many in (
            ("guests", "is a guest", "are guests"),
            ("disabled", "is disabled", "are disabled"),
            ("orphaned", "is not in the directory", "are not in the directory"),
        )
        if held[name]
    ]
    return [f"of all with privileged access now, {listing(flags)}"] if flags else []


def _opened(identities: Sequence[Row]) -> list[str]:
    """Return the gravest thing that acting as an identity opens, if any does."""
    opens = [
        (not each["privileged"], each["number"], at, each, identity)
        for at, identity in enumerate(identities)
        for each in identity["opens"]
        if each["active"]
    ]
    if not opens:
        return []
    *_, each, identity = min(opens, key=lambda one: one[:3])
    return [f"whoever can act as {identity['name']} can {each['words']}{own(each)}: {each['target'].name}"]


def own(row: Row) -> str:
    """Return how many of the job's own secrets are among those."""
    return f", {row['own']} of this job's own among them" if row["own"] else ""
