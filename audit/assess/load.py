"""Reading control files: the built-in folder, then the user's own; a later id replaces an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from audit.assess.header import Control, parse
from audit.config import packaged
from audit.errors import ConfigError
from audit.evidence import KINDS


def built_in() -> Path:
    """Return the folder of the controls that travel with the program."""
    return packaged("config") / "controls"


def load(directories: Sequence[Path] = ()) -> list[Control]:
    """Return the built-in controls and those of ``directories``, sorted by id; the later folder wins an id.

    Raises ConfigError for a folder that isn't there or is empty, a file that can't be read, a wrong header or
    statement, and an id that two files of one folder claim.
    """
    controls: dict[str, Control] = {}
    home = built_in()
    own = [each for each in directories if each.resolve() != home.resolve()]
    controls.update(_folder(home, "built-in"))
    for directory in own:
        controls.update(_folder(directory, "own"))
    return [controls[each] for each in sorted(controls)]


def load_file(path: Path) -> Control:
    """Return one control of the user's, from its file. Raises ConfigError as :func:`load` does."""
    return parse(_text(path), path=path, file=path.name, source="own", kinds=tuple(kind.name for kind in KINDS))


def load_pack(folder: Path) -> list[Control]:
    """Return the controls that a pack keeps in its folder ``controls``, sorted by id.

    Below ``own`` lie those of the user's; ``views.sql`` beside them is no control. Raises ConfigError as :func:`load`.
    """
    home = folder / "own"
    found: dict[str, Control] = {}
    for path in sorted(folder.rglob("*.sql")):
        if path == folder / "views.sql":
            continue
        own = path.is_relative_to(home)
        file = path.relative_to(home if own else folder).as_posix()
        kinds = tuple(kind.name for kind in KINDS)
        control = parse(_text(path), path=path, file=file, source="own" if own else "built-in", kinds=kinds)
        if control.id in found:
            raise ConfigError(f"two files claim the control id {control.id}", where=str(path))
        found[control.id] = control
    return [found[each] for each in sorted(found)]


def _folder(directory: Path, source: Literal["built-in", "own"]) -> dict[str, Control]:
    files = sorted(directory.rglob("*.sql"))
    if not files:
        what = "holds no .sql file" if directory.is_dir() else "is not there"
        raise ConfigError(
            f"the folder of controls {what}", where=str(directory), hint="correct store.controls in audit.toml"
        )
    kinds = tuple(kind.name for kind in KINDS)
    found: dict[str, Control] = {}
    for path in files:
        control = parse(_text(path), path=path, file=path.relative_to(directory).as_posix(), source=source, kinds=kinds)
        if control.id in found:
            raise ConfigError(
                f"two files claim the control id {control.id}",
                where=f"{found[control.id].path} and {path}",
                hint="give one of them another id, or remove it",
            )
        found[control.id] = control
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the control can't be read: {error}", where=str(path), hint="controls are UTF-8 text"
        ) from None
