"""SVG as text: escaped, with no script, no style attribute and no font of its own, so that the policy allows it.

Colours are classes of the report's style sheet, so that they follow light, dark and print; every fill that tells
something apart has a pattern as well, so that it holds without colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from audit.render.text import visible

LETTER = 6.1
"""Width of a letter of a chart's text, in units of the drawing: a middling one, to place words by."""

# tone → what is drawn over its colour; every two tones that stand beside each other differ in it
_MARKS = {
    "succeeded": "",
    "failed": '<path class="mark" d="M-2 10L10 -2M4 10L10 4M-2 4L4 -2"/>',
    "stopped": '<path class="mark" d="M0 2H8M0 6H8"/>',
    "running": '<circle class="dot" cx="2" cy="2" r="1.2"/><circle class="dot" cx="6" cy="6" r="1.2"/>',
    "other": '<path class="mark" d="M0 4H8M4 0V8"/>',
    "retried": '<path class="mark" d="M-2 -2L10 10M-2 4L4 10M4 -2L10 4"/>',
    "idle": '<circle class="dot" cx="4" cy="4" r="1.6"/>',
    "duplicate": '<path class="mark" d="M2 0V8M6 0V8"/>',
    "logs": '<path class="mark" d="M0 4H8"/>',
    "unread": '<path class="mark" d="M-2 10L10 -2M4 10L10 4M-2 4L4 -2"/>',
}
TONES = tuple(_MARKS)


def text(value: object) -> str:
    """Return text that can stand in an element or an attribute: escaped, and what is invisible shown by number."""
    told = visible(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return told.replace('"', "&#34;").replace("'", "&#39;")


def num(value: float) -> str:
    """Return a coordinate, to a tenth."""
    told = f"{value:.1f}"
    return told.removesuffix(".0") if told != "-0.0" else "0"


def short(value: str, room: float) -> str:
    """Return text that fits ``room`` units, its middle left out where it is longer: both ends of a name tell most."""
    most = max(4, int(room / LETTER))
    if len(value) <= most:
        return value
    tail = (most - 1) // 2
    return f"{value[: most - 1 - tail]}…{value[len(value) - tail :]}"


class Drawing:
    """One SVG in the making. ``name`` must be its own on the page: ids are made of it."""

    def __init__(self, name: str, width: float, height: float) -> None:
        self.name = name
        self.width, self.height = width, height
        self._parts: list[str] = []
        self._tones: dict[str, None] = {}

    def add(self, *parts: str) -> None:
        """Add markup that is already safe."""
        self._parts.extend(parts)

    def fill(self, tone: str) -> str:
        """Return the attribute that fills with a tone's colour and pattern."""
        self._tones[tone] = None
        return f'fill="url(#{self.name}-{tone})"'

    def rect(  # noqa: PLR0917  the order that SVG itself gives them
        self, x: float, y: float, width: float, height: float, attributes: str, told: str = ""
    ) -> None:
        """Add a rectangle; ``told`` is what a pointer over it is shown."""
        box = f'x="{num(x)}" y="{num(y)}" width="{num(width)}" height="{num(height)}" {attributes}'
        self.add(f"<rect {box}><title>{text(told)}</title></rect>" if told else f"<rect {box}/>")

    def line(self, x: float, y: float, to_x: float, to_y: float, kind: str) -> None:
        """Add a straight line of a class."""
        self.add(f'<path class="{kind}" d="M{num(x)} {num(y)}L{num(to_x)} {num(to_y)}"/>')

    def path(self, points: Iterable[tuple[float, float]], kind: str) -> None:
        """Add a line through points."""
        told = "L".join(f"{num(x)} {num(y)}" for x, y in points)
        if told:
            self.add(f'<path class="{kind}" d="M{told}"/>')

    def words(self, x: float, y: float, value: object, kind: str = "", anchor: str = "") -> None:
        """Add text; ``anchor``: ``middle`` or ``end``."""
        more = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
        self.add(f'<text x="{num(x)}" y="{num(y)}"{more}>{text(value)}</text>')

    def legend(self, x: float, y: float, entries: Sequence[tuple[str, str]]) -> None:
        """Add (tone or class of a line, label) side by side."""
        for tone, label in entries:
            if tone in _MARKS:
                self.rect(x, y - 9, 11, 11, f'class="swatch" {self.fill(tone)}')
            elif tone.startswith("dot"):
                self.add(f'<circle class="{tone}" cx="{num(x + 5.5)}" cy="{num(y - 3.5)}" r="3.5"/>')
            else:
                self.line(x, y - 3.5, x + 14, y - 3.5, tone)
            self.words(x + 18, y, label)
            x += 18 + len(label) * LETTER + 16

    def finish(self, title: str, description: str) -> Markup:
        """Return the drawing, with what it shows in words for who doesn't see it."""
        defs = "".join(
            f'<pattern id="{self.name}-{tone}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<rect class="fill-{tone}" width="8" height="8"/>{_MARKS[tone]}</pattern>'
            for tone in self._tones
        )
        return Markup(  # noqa: S704  every text in it went through text()
            f'<svg class="chart" role="img" aria-labelledby="{self.name}-t {self.name}-d" '
            f'viewBox="0 0 {num(self.width)} {num(self.height)}">'
            f'<title id="{self.name}-t">{text(title)}</title><desc id="{self.name}-d">{text(description)}</desc>'
            f"{f'<defs>{defs}</defs>' if defs else ''}{''.join(self._parts)}</svg>"
        )
