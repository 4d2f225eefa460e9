"""Templates of the user's: they win over the packaged ones, and a mistake in one is told where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import report_fixture

from audit.errors import ConfigError, StoreError
from audit.render import html


def _own(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_a_template_of_ones_own_wins(made: Any, tmp_path: Path) -> None:
    own = _own(tmp_path / "own", "sections/deleted.html", "<p>Our own words: {{ rows|length }}</p>")
    folder = report_fixture.render(made.stored, made.con, tmp_path / "pack", own)
    assert "<p>Our own words: 1</p>" in (folder / "index.html").read_text()


@pytest.mark.parametrize(
    ("name", "text", "line", "message"),
    [
        ("index.html", "<p>\n{% if %}\n", 2, "a template has a mistake"),
        ("sections/gaps.html", "ok\nok\n{{ nothing_of_that_name }}", 3, "'nothing_of_that_name' is undefined"),
        ("job.html", "a\n{{ job.name.nosuch }}", 2, "has no attribute 'nosuch'"),
        ("raw_page.html", "a\n\n{{ 1 / 0 }}", 3, "division by zero"),
        ("control.html", "{{ control.title|nosuchfilter }}", 1, "nosuchfilter"),
    ],
)
def test_a_mistake_is_named_by_file_and_line_and_nothing_is_left(
    *, made: Any, tmp_path: Path, name: str, text: str, line: int, message: str
) -> None:
    own = _own(tmp_path / "own", name, text)
    with pytest.raises(ConfigError) as told:
        html.write(made.con, made.stored.run, made.stored, tmp_path / "pack", [own, Path("report_templates").resolve()])
    assert message in told.value.message
    assert told.value.where == f"{own / name}, line {line}"
    assert told.value.hint
    assert not list((tmp_path / "pack").iterdir())


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("base.html", b"\xff\xfe", "not UTF-8"),
        ("style.css", b"\xff\xfe", "not UTF-8"),
        ("style.css", "p { color: red } </style><script>", "end tag"),
        ("index.html", "{% include 'missing.html' %}", "there is no template missing.html"),
    ],
)
def test_what_is_no_template_is_refused(made: Any, tmp_path: Path, name: str, text: str | bytes, message: str) -> None:
    own = _own(tmp_path / "own", name, text)
    with pytest.raises(ConfigError, match=message):
        html.write(made.con, made.stored.run, made.stored, tmp_path / "pack", [own, Path("report_templates").resolve()])


def test_a_folder_that_cannot_be_made_is_told_in_words(made: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        html.write(
            made.con, made.stored.run, made.stored, tmp_path / "file" / "pack", [Path("report_templates").resolve()]
        )
