"""One at a time changes a folder; who waited for one that was replaced gets the new one."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from audit.errors import StoreError
from audit.store.lock import exclusive


def waiting(folder: Path, met: list[str]) -> threading.Thread:
    def enter() -> None:
        with exclusive(folder):
            met.append(folder.joinpath("name").read_text())

    thread = threading.Thread(target=enter)
    thread.start()
    return thread


def test_others_wait_and_the_holder_may_enter_again(tmp_path: Path) -> None:
    (tmp_path / "name").write_text("a")
    met: list[str] = []
    with exclusive(tmp_path):
        with exclusive(tmp_path):
            thread = waiting(tmp_path, met)
        time.sleep(0.1)
        assert met == [], "leaving the inner one doesn't let anybody in"
    thread.join(10)
    assert met == ["a"]


def test_who_waited_for_a_folder_that_was_replaced_gets_the_new_one(tmp_path: Path) -> None:
    old, new = tmp_path / "pack", tmp_path / "new"
    for folder, name in ((old, "old"), (new, "new")):
        folder.mkdir()
        (folder / "name").write_text(name)
    met: list[str] = []
    with exclusive(old):
        thread = waiting(old, met)
        time.sleep(0.1)
        old.rename(tmp_path / "away")
        new.rename(old)
    thread.join(10)
    assert met == ["new"]


def test_no_folder_is_an_error_of_the_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError), exclusive(tmp_path / "none"):
        pass
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(StoreError), exclusive(tmp_path / "link"):
        pass
