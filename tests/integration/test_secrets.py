"""No secret of the estate reaches the disk: not in raw pages, tables, report or workbook, packed or encoded."""

from __future__ import annotations

import html
import io
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pytest

from audit.pipeline.rendering import render
from audit.sandbox import Sandbox
from audit.sandbox.estate import planted_secrets
from tests.conftest import collected, serving

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def contents(path: Path) -> str:
    """Return everything that a file says, unpacked."""
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstd.decompress(data)
    elif path.suffix == ".xlsx":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = b"\n".join(archive.read(name) for name in archive.namelist())
    elif path.suffix == ".parquet":
        data = repr(duckdb.execute("select * from read_parquet(?)", [str(path)]).fetchall()).encode()
    return data.decode("utf-8", "replace")


def readings(text: str) -> tuple[str, ...]:
    return (text, unquote(text), html.unescape(text), text.replace("\\/", "/").replace('\\"', '"'))


async def _made(sandbox: Sandbox, output: Path) -> tuple[str, ...]:
    await collected(sandbox, output)
    render("test-run", pack="compliance", output=output)
    return planted_secrets(sandbox.estate)


@pytest.mark.parametrize("options", [{}, {"jobs": 60, "subscriptions": 3}], ids=["story", "generated"])
async def test_no_planted_secret_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, int]
) -> None:
    async with serving(**options) as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        planted = await _made(served, tmp_path)
        header = served.endpoints.identity_header
    assert len(planted) > 10
    read = 0
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "redaction.key":
            read += 1
            for text in readings(contents(path)):
                for secret in (*planted, header):
                    assert secret not in text, f"{path.relative_to(tmp_path)} holds a secret that begins {secret[:4]}"
                assert "eyJ0" not in text, f"{path.name} holds something like a token"
    assert read > 100


async def test_where_a_secret_stood_its_kind_is_said(sandbox: Sandbox, tmp_path: Path) -> None:
    await collected(sandbox, tmp_path, kinds=("jobs",))
    found = duckdb.execute(
        "select distinct place, secret_like from read_parquet(?) where secret_like is not null order by all",
        [str(tmp_path / "runs/test-run/tables/job_values.parquet")],
    ).fetchall()
    assert {place for place, _ in found} >= {"env", "scaler_metadata", "args"}
