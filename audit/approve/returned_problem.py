"""What is wrong with a returned workbook, all of it at once: where, what, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from audit.errors import ConfigError
from audit.render.text import plural, shortened, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 200
"""Problems of one workbook that are looked for; there are more where there are as many."""
_SHOWN = 50


class Problem(NamedTuple):
    """One problem. ``place``: ``Decisions!S12``, a sheet, or empty for the whole file."""

    file: str
    place: str
    told: str
    remedy: str

    def __str__(self) -> str:
        """Return it as a line, hostile text made visible."""
        where = ", ".join(visible(each) for each in (self.file, self.place) if each)
        return f"{where}: {visible(self.told)}. {visible(self.remedy)[:1].upper()}{visible(self.remedy)[1:]}."


def quoted(text: str) -> str:
    """Return what somebody wrote, bounded, for a message."""
    return f"“{shortened(text, 80)}”"


def refusal(problems: Sequence[Problem]) -> ConfigError:
    """Return the error that tells the problems of all workbooks: nothing of any of them was taken in."""
    lines = [str(each) for each in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(f"and {len(problems) - _SHOWN:,} more")
    return ConfigError(
        f"nothing was taken in: {plural(len(problems), 'problem')} in what was returned\n  " + "\n  ".join(lines),
        hint="mend these in the returned workbooks, or in new copies of those in the pack's review/; then import again",
    )
