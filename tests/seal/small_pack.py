"""A pack of a few files: what sums, signatures and approvals are about, without what the files mean."""

from __future__ import annotations

from pathlib import Path

from audit.seal import sums

FILES = {
    "run.json": b'{"run_id": "r1"}\n',
    "index.html": b"<p>13 jobs</p>",
    "data/jobs.parquet": b"PAR1 one PAR1",
    "data/tags.parquet": b"PAR1 two PAR1",
    "raw/jobs/0f.jsonl.zst": b"\x28\xb5\x2f\xfd",
    "attachments/Prüfung & Abnahme.pdf": b"%PDF",
}


def make(folder: Path, files: dict[str, bytes] | None = None) -> Path:
    """Write a sealed pack and return it."""
    for name, content in (FILES if files is None else files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sums.write(folder)
    return folder
