"""The steps in order: the map of the program.

::

    collect ──► store ──► derive ──► assess ──► render ──► seal ──► approve
    (Azure)     (raw +    (popula-   (controls  (xlsx,     (sums,
                 tables)   tion …)    in SQL)    HTML)      signature)

Everything right of ``collect`` works offline from the store: collect once, render many times.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.pipeline.approving import approve, approver_key, withdraw
    from audit.pipeline.changing import Change, attachments, change_window, proposals
    from audit.pipeline.collecting import Collection, collect, resume, role, window_of
    from audit.pipeline.demo import Demo, demo, serve
    from audit.pipeline.diffing import Compared, diff, save
    from audit.pipeline.doctor import Finding, examine, examine_seal
    from audit.pipeline.fixturing import Tried, try_out
    from audit.pipeline.naming import end_of
    from audit.pipeline.rendering import PACKS, Rendered, check_pack, render
    from audit.pipeline.reviewing import Reviewed, review_import, review_status
    from audit.pipeline.scheduling import Schedule, schedule
    from audit.pipeline.signing import signing_key, stamping, trusted_keys, trusted_roots
    from audit.pipeline.tabling import controls_in, query, trial
    from audit.pipeline.verifying import keygen, verify
    from audit.sandbox.options import SandboxOptions

_HOMES = {
    "audit.pipeline.approving": ("approve", "approver_key", "withdraw"),
    "audit.pipeline.changing": ("Change", "attachments", "change_window", "proposals"),
    "audit.pipeline.collecting": ("Collection", "collect", "resume", "role", "window_of"),
    "audit.pipeline.demo": ("Demo", "demo", "serve"),
    "audit.pipeline.diffing": ("Compared", "diff", "save"),
    "audit.pipeline.doctor": ("Finding", "examine", "examine_seal"),
    "audit.pipeline.fixturing": ("Tried", "try_out"),
    "audit.pipeline.naming": ("end_of",),
    "audit.pipeline.rendering": ("PACKS", "Rendered", "check_pack", "render"),
    "audit.pipeline.reviewing": ("Reviewed", "review_import", "review_status"),
    "audit.pipeline.signing": ("signing_key", "stamping", "trusted_keys", "trusted_roots"),
    "audit.pipeline.verifying": ("keygen", "verify"),
    "audit.pipeline.scheduling": ("Schedule", "schedule"),
    "audit.pipeline.tabling": ("controls_in", "query", "trial"),
    "audit.sandbox.options": ("SandboxOptions",),
}

__all__ = [
    "PACKS",
    "Change",
    "Collection",
    "Compared",
    "Demo",
    "Finding",
    "Rendered",
    "Reviewed",
    "SandboxOptions",
    "Schedule",
    "Tried",
    "approve",
    "approver_key",
    "attachments",
    "change_window",
    "check_pack",
    "collect",
    "controls_in",
    "demo",
    "diff",
    "end_of",
    "examine",
    "examine_seal",
    "keygen",
    "proposals",
    "query",
    "render",
    "resume",
    "review_import",
    "review_status",
    "role",
    "save",
    "schedule",
    "serve",
    "signing_key",
    "stamping",
    "trial",
    "trusted_keys",
    "trusted_roots",
    "try_out",
    "verify",
    "window_of",
    "withdraw",
]


def __getattr__(name: str) -> Any:
    """Import a step when it is first asked for: a verb pays only for what it does."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
