"""The steps in order: the map of the program.

::

    collect ──► store ──► derive ──► assess ──► render
    (Azure)     (raw +    (popula-   (controls  (xlsx,
                 tables)   tion …)    in SQL)    HTML)

Everything right of ``collect`` works offline from the store: collect once, render many times.
"""

from audit.pipeline.collecting import Collection, collect, resume, role, window_of
from audit.pipeline.demo import Demo, demo, serve
from audit.pipeline.doctor import Finding, examine
from audit.pipeline.rendering import PACKS, Rendered, check_pack, render
from audit.pipeline.tabling import controls_in, query
from audit.sandbox.options import SandboxOptions

__all__ = [
    "PACKS",
    "Collection",
    "Demo",
    "Finding",
    "Rendered",
    "SandboxOptions",
    "check_pack",
    "collect",
    "controls_in",
    "demo",
    "examine",
    "query",
    "render",
    "resume",
    "role",
    "serve",
    "window_of",
]
