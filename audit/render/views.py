"""controls/views.sql: a pack's tables as views under their names, so that any control can be run again by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.model.baseline import in_force

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAME = "views.sql"
_ABOUT = """\
-- The tables of this pack, as controls see them. From the pack's folder (the one that holds data/):
--
--     duckdb -init controls/views.sql < controls/CONTROL.sql
--
-- Most jobs are judged by the baselines that hold for all. Where an override of [policy] fits a job, the view
-- parameters_of_jobs has rows with its id: in a copy of this file (this one is sealed) write the id between the quotes,
-- and a control judges by that job's baselines. What it then says of other jobs is what they would be by them.
set variable job = '';
set TimeZone = 'UTC';
"""
_PARAMETERS = "parameters"


def write(folder: Path, tables: Sequence[str]) -> None:
    """Write views.sql into ``folder``. ``tables``: names of the pack's Parquet files."""
    lines = [_ABOUT]
    for name in tables:
        kept = f"{name}_of_jobs" if name == _PARAMETERS else name
        lines.append(
            f"create or replace temp view {_name(kept)} as from read_parquet({_text(f'data/{name}.parquet')});\n"
        )
        if name == _PARAMETERS:
            meant = in_force(_name(kept), "getvariable('job')")
            lines.append(f"create or replace temp view {_name(name)} as {meant};\n")
    (folder / NAME).write_text("".join(lines), encoding="utf-8", newline="")


def _name(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _text(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"
