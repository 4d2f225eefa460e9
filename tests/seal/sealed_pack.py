"""A small pack that is sealed as every pack is: a table, a run, a page, and all that speaks of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from msgspec import structs

from audit import __version__
from audit.model import Window
from audit.seal import head, sealing
from audit.seal.keys import LocalKey, generate, private
from audit.seal.timestamp import Stamping

WINDOW = Window(since=datetime(2026, 10, 1, tzinfo=UTC), until=datetime(2026, 11, 1, tzinfo=UTC))


def key(folder: Path, name: str = "key.pem") -> LocalKey:
    """Make a key pair and return the private half."""
    generate(folder / name)
    return private(folder / name)


def about(
    signer: LocalKey | None, *, run_id: str = "r1", pack: str = "compliance", window: Window = WINDOW
) -> head.PackHead:
    return head.PackHead(
        name=f"{pack}-{window.label}-{run_id}",
        pack=pack,
        run_id=run_id,
        window=window,
        collected_for=None,
        restored_from="",
        formats=("html",),
        incidents=(),
        templates_sha256="",
        tool_version=__version__,
        signer=head.Signer(keyid=signer.keyid, public_key=signer.public_pem) if signer else None,
    )


def make(
    packs: Path,
    signer: LocalKey | None = None,
    *,
    run_id: str = "r1",
    pack: str = "compliance",
    window: Window = WINDOW,
    stamp: Stamping | None = None,
) -> Path:
    """Seal a pack below ``packs`` and return it."""
    said = about(signer, run_id=run_id, pack=pack, window=window)
    if stamp:
        said = structs.replace(said, timestamp_authority=stamp.authority)
    folder = packs / said.name
    (folder / "data").mkdir(parents=True)
    (folder / "controls").mkdir()
    duckdb.execute(f"copy (select 1 as n) to '{folder}/data/jobs.parquet' (format parquet)")
    gaps = "(values ('jobs', 'gap', 'forbidden', null)) t(kind, outcome, reason, place)"
    duckdb.execute(f"copy (from {gaps}) to '{folder}/data/coverage.parquet' (format parquet)")
    (folder / "controls/JA-01.sql").write_text("select 1")
    (folder / "index.html").write_text("<p>1 job</p>")
    caller = {"object_id": "o", "kind": "app"}
    (folder / "run.json").write_text(json.dumps({"run_id": run_id, "caller": caller, "settings": {}}))
    sealing.seal(folder, said, packs=packs, key=signer, stamp=stamp)
    return folder
