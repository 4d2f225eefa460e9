"""A pack's name says which pack of which run and window it is; earlier versions named another window by its days."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from audit.model import Window
from audit.seal import head
from audit.seal.verify import Result, files
from tests.seal import sealed_pack

OWN = sealed_pack.WINDOW
ANOTHER = Window(since=OWN.since, until=OWN.until - timedelta(hours=1))


@pytest.mark.parametrize(
    ("label", "collected_for", "result"),
    [
        (ANOTHER.exact_label, OWN, Result.OK),
        (ANOTHER.label, OWN, Result.OK),
        (ANOTHER.label, None, Result.OK),
        (ANOTHER.exact_label, None, Result.FAILED),
        (OWN.exact_label, OWN, Result.FAILED),
    ],
)
def test_the_name_is_what_pack_window_and_run_make(
    tmp_path: Path, label: str, collected_for: Window | None, result: Result
) -> None:
    about = sealed_pack.about(None, window=ANOTHER)
    about = msgspec.structs.replace(about, name=f"compliance-{label}-r1", collected_for=collected_for)
    pack = tmp_path / about.name
    (pack / "data").mkdir(parents=True)
    (pack / "data" / "jobs.parquet").write_bytes(b"")
    (pack / "run.json").write_text('{"run_id": "r1"}')
    head.write(pack, about)
    assert files.name(pack).result is result
