"""The first sheet: what is asked of whom, until when, what a decision does, and how it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.render.review.form import COLUMNS, DECISIONS, JOBS
from audit.render.review.locking import lock
from audit.render.text import plural, utc, visible
from audit.render.workbook import facts
from audit.render.workbook.grid import Grid
from audit.render.workbook.panels import SECTION
from audit.render.workbook.pen import linked
from audit.render.workbook.setup import print_setup
from audit.render.workbook.stage import exists
from audit.render.workbook.style import BAND, BAND_TEXT, MUTED, Look, toned

if TYPE_CHECKING:
    from audit.render.review.letter import Letter
    from audit.render.workbook.pen import Pen

WIDTHS = {"A": 2.0, "B": 22.0, "C": 44.0, "D": 52.0}
_LABEL, _TEXT = Look(ink=MUTED), Look(wrap=True)
_GAPS = 12

STEPS = (
    f"Open the sheet {DECISIONS}. Each row is one way to reach event-driven jobs; those with most power come first.",
    "Write keep, revoke or change into Decision; choose from the list. Add Reason, Reviewer (yourself) and Date.",
    "Rows that you leave blank stay open, and you are named as who owes them. Send back what you have, the rest later.",
    "If a row is not yours to decide, leave it blank and tell whoever sent you this.",
    "Nobody decides about their own access. Such a row is refused when the workbook comes back.",
)
DECIDED = (
    ("keep", "The access stays. For a privileged one say why it is still needed."),
    ("revoke", "The access has to go. Say why."),
    ("change", "It has to become less: another role, a smaller scope, eligible instead of standing, an end. Say what."),
)
RETURN = (
    "Save it as .xlsx, with Excel or LibreOffice, and send it to whoever sent it; `jobaudit review import` reads it.",
    (
        "Formulas, macros, passwords, comments, and added rows, columns or sheets are refused; so is whatever was "
        "changed in a locked cell, by its row and column."
    ),
    (
        "Filter with the arrows in the headings. To sort, lift the sheet's protection (it has no password); sorted "
        "rows are taken in as well."
    ),
    "A name typed into Reviewer is asserted: it is recorded, and shown, as that until somebody signs the record.",
)


def write(pen: Pen, letter: Letter) -> None:
    """Write the sheet."""
    pen.sheet.sheet_properties.tabColor = BAND
    print_setup(pen.sheet, letter.footer)
    grid = Grid(pen, WIDTHS)
    _title(grid, letter)
    _unread(grid, letter)
    _numbered(grid, "What to do", STEPS)
    _pairs(grid, "What a decision does", DECIDED)
    days = letter.run.review.days_to_revoke
    _block(
        grid,
        f"What is revoked or changed has to be done within {plural(days, 'day')} from the date of the decision. "
        "jobaudit takes nothing away itself. The next collection shows whether it is gone, when, and by whom; what is "
        "not gone in time is overdue, and what comes back is shown as granted again.",
    )
    _numbered(grid, "How to return it", RETURN)
    _pairs(grid, f"The columns of {DECISIONS}", [(column.heading, column.note) for column in COLUMNS])
    _block(grid, f"The sheet {JOBS} lists which jobs each entitlement reaches. The pack has all evidence.")
    lock(pen.sheet)


def _title(grid: Grid, letter: Letter) -> None:
    pen, run, book = grid.pen, letter.run, letter.book
    band = Look(fill=BAND, ink=BAND_TEXT, size=22, bold=True, middle=True, indent=1)
    below = Look(fill=BAND, ink="D5DBE1", size=11, middle=True, indent=1)
    grid.put({"B:D": pen.text("Access review", band)}, 38)
    asked = f"For {visible(book.reviewer)}" if book.reviewer else "Nobody is named to decide these rows"
    grid.put({"B:D": pen.text(asked, below)}, 22)
    grid.put(height=8)
    (everything,) = letter.con.execute("select count(*) from entitlements").fetchone() or (0,)
    yours = f"{plural(book.total, 'entitlement')} of {everything:,} in this review"
    if book.parts > 1:
        yours += (
            f"; this is workbook {book.part} of {book.parts} and holds {book.first:,} to {book.last:,}. "
            "Each is returned by itself."
        )
    told = (
        ("Decide until", utc(letter.due)),
        ("Yours", yours),
        ("Review", letter.review),
        ("Run", run.run_id),
        ("Period", facts.period(run)),
        ("Access as of", utc(letter.at)),
        ("Scope", facts.scope(run)),
        ("Collected by", facts.caller(letter.con, run)),
        ("Made by", f"jobaudit {run.tool_version}, cloud {run.cloud}"),
    )
    for label, text in told:
        strong = Look(wrap=True, bold=label in ("Decide until", "Yours"))
        cells = {"B": pen.text(label, _LABEL), "C:D": pen.text(visible(text), strong)}
        grid.put(cells, grid.height(C_D=text))
    if not book.reviewer:
        loud = (
            "No rule of [review] in audit.toml, no owner tag and no fallback names a reviewer for these rows. Somebody "
            "has to take them; until then the review stays open."
        )
        grid.put({"B:D": pen.text(loud, toned(_TEXT, "fail", bold=True))}, grid.height(B_D=loud))
    lead = linked(Look(bold=True))
    grid.put({"B": pen.to_cell(pen.text(f"To {DECISIONS}", lead), (DECISIONS, 1))}, 18)


def _unread(grid: Grid, letter: Letter) -> None:
    """Say what could not be read: there the rows are at least what there is, and not all of it."""
    reasons = letter.con.execute(
        """
        select coalesce(incomplete_because, 'something that it rests on was not read') as why, count(*) as n
        from review_rows where not coalesce(complete, false) group by all order by n desc, why
        """
    ).fetchall()
    (own,) = letter.con.execute("select count(*) from review_rows where reviewer_conflict").fetchone() or (0,)
    more = _beyond(letter)
    _section(grid, "What could not be read, and what to mind")
    if not reasons and not more:
        _block(grid, "Everything that these rows rest on was read.")
    for told in more:
        _block(grid, told, tone="gap")
    for why, count in reasons[:_GAPS]:
        _block(grid, f"At least these, for {plural(count, 'row')}: {visible(why)}.", tone="gap")
    if len(reasons) > _GAPS:
        _block(grid, f"and {plural(len(reasons) - _GAPS, 'more reason')}: the column Note names each.", tone="gap")
    if own:
        told = (
            f"{plural(own, 'row')} may be about your own access, and nobody else was found: have somebody else decide."
        )
        _block(grid, told, tone="gap")


def _beyond(letter: Letter) -> list[str]:
    """Return why there may be access that no row tells of: what wasn't read can't be asked about."""
    con, told = letter.con, []
    if exists(con, "coverage"):
        (gaps,) = con.execute("select count(*) from coverage where outcome = 'gap'").fetchone() or (0,)
        if gaps:
            told.append(f"There may be access that no row tells of: {plural(gaps, 'read')} of the collection failed.")
    if exists(con, "access_answers"):
        found = con.execute(
            """
            select reason, count(distinct job_id) as jobs
            from (select job_id, unnest(from_json(reasons, '["VARCHAR"]')) as reason from access_answers
                  where not complete)
            group by reason order by jobs desc, reason
            """
        ).fetchall()
        told += [f"There may be more who can, for {plural(n, 'job')}: {visible(why)}." for why, n in found[:_GAPS]]
        if len(found) > _GAPS:
            told.append(f"and {plural(len(found) - _GAPS, 'more reason')}: the pack's own pages name each.")
    return told


def _section(grid: Grid, heading: str) -> None:
    grid.put(height=8)
    grid.put({"B:D": grid.pen.text(heading, SECTION)}, 18)


def _block(grid: Grid, text: str, *, tone: str = "") -> None:
    look = toned(_TEXT, tone, bold=False) if tone else _TEXT
    grid.put({"B:D": grid.pen.text(text, look)}, grid.height(B_D=text))


def _numbered(grid: Grid, heading: str, texts: tuple[str, ...]) -> None:
    _section(grid, heading)
    for number, text in enumerate(texts, start=1):
        _block(grid, f"{number}.  {text}")


def _pairs(grid: Grid, heading: str, pairs: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> None:
    _section(grid, heading)
    for word, text in pairs:
        cells = {
            "B": grid.pen.text(word, Look(bold=True, line=True)),
            "C:D": grid.pen.text(text, Look(wrap=True, line=True)),
        }
        grid.put(cells, grid.height(C_D=text))
