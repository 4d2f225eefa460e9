"""Make the pages about tables, configuration, controls and scalers, and the schemas of JSON files, from the code.

So they can't go stale: run it with `make docs`; the docs check fails where a page isn't what this makes.
"""

from __future__ import annotations

from pathlib import Path

from audit import diff
from audit.assess import catalogue, load
from audit.assess.frameworks import frameworks
from audit.config import packaged
from audit.render import results
from docs.pages import configuration, scalers, tables

PAGES = {
    "tables.md": tables.page,
    "configuration.md": configuration.page,
    "controls.md": lambda: catalogue.markdown(load([packaged("config") / "controls"]), frameworks()),
    "scalers.md": scalers.page,
    "findings.schema.json": lambda: results.schema().decode(),
    "diff.schema.json": lambda: diff.schema().decode(),
}


if __name__ == "__main__":
    for name, make in PAGES.items():
        (Path(__file__).resolve().parent / name).write_text(make(), encoding="utf-8")
