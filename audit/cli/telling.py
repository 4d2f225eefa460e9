"""What a verb tells while it works and when it is done: notes on stderr, the path on stdout."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import typer

from audit import ending, pipeline
from audit.terminal import Watch


@contextlib.contextmanager
def watching() -> Iterator[Watch]:
    """Show progress as --log-format asks."""
    with Watch(log_format=ending.Telling.log_format) as watch:
        yield watch


def tell_collection(watch: Watch, made: pipeline.Collection) -> None:
    """Tell what was collected, and what it took."""
    stats = made.stats
    watch.note(
        f"collected {made.units} units ({made.gaps} gaps) with {sum(stats.requests.values())} requests in "
        f"{stats.wall_seconds:.1f} s; CPU {stats.cpu_seconds:.1f} s, peak memory {stats.peak_rss_mib:.0f} MiB"
    )


def finish(watch: Watch, rendered: pipeline.Rendered) -> None:
    """Tell what a pack says in short and what is wrong with it, then print its path."""
    worst = f", the heaviest {rendered.worst}" if rendered.worst else ""
    waived = f", {rendered.waived} more waived" if rendered.waived else ""
    if rendered.change:
        watch.note(rendered.change)
    watch.note(
        f"{rendered.jobs} jobs, {rendered.failures} failures{worst}{waived}, {rendered.gaps} gaps in the evidence"
    )
    if rendered.left_out:
        named = ", ".join(rendered.left_out)
        watch.note(f"not collected in this run, so that controls which need it are not_assessed: {named}")
    if rendered.gone:
        named = " and ".join(rendered.gone)
        watch.note(f"the earlier pack of this name had {named}, which --format leaves out: without it, all are made")
    for told in rendered.broken:
        watch.note(f"a control could not be run: its verdicts are not_assessed; {told}")
    if not rendered.signer:
        watch.note(
            "NOT SIGNED: anybody could have made this pack; `jobaudit keygen` and [seal] in audit.toml sign packs"
        )
    if rendered.not_kept:
        watch.note(f"the verdicts are not in history yet ({rendered.not_kept}): rendering the run again adds them")
    typer.echo(rendered.path)
