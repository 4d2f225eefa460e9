"""The HTML report: index.html, its continuation pages, one page per job, control, framework and kind, and raw views."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from audit.model.packs import COMPLIANCE
from audit.render import (
    change_listings,
    controls,
    dossier,
    entitlements,
    expected,
    fronts,
    incident,
    links,
    listings,
    raw_pages,
    review_listings,
    stage,
)
from audit.render.names import Names
from audit.render.rows import Row, fetch, numbered, one, pages
from audit.render.sections import (
    access,
    budgets,
    changes,
    changing,
    coverage,
    excused,
    figures,
    findings,
    frameworks,
    health,
    holding,
    matrix,
    provenance,
    reviewing,
    tickets,
)
from audit.render.sections.budgets import ActionGroups
from audit.render.staging import Staging
from audit.render.templates import Templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import duckdb

    from audit.model import Run
    from audit.render.incident import Incident


def write(
    con: duckdb.DuckDBPyConnection,
    run: Run,
    stored: raw_pages.Answers,
    folder: Path,
    templates: list[Path],
    *,
    workbook: bool = True,
    results: bool = True,
    incidents: Sequence[Incident] = (),
    pack: str = COMPLIANCE,
    signer: str | None = None,
) -> raw_pages.RawViews:
    """Write the report of a run into ``folder`` and return which views of raw pages it has.

    ``con`` holds every table; ``templates``: folders, a user's own first. ``workbook``, ``results``: the pack holds
    evidence.xlsx and results/ too, so the report may lead there. ``incidents``: windows that get an incident view
    beside the one that is chosen for each job. ``pack``: whose front page it gets. ``signer``: the id of the key that
    signs; empty = unsigned, None = not sealed. The same tables and run give the same bytes. Raises ConfigError where a
    template is wrong, UsageError where an incident names no job, StoreError where the folder can't be written.
    """
    own = con.cursor()
    try:
        lacking = expected.create(own)
        stage.prepare(own)
        dossier.prepare(own)
        loaded = Templates(templates)
        with Staging(folder) as staging:
            loaded.add(run=run, workbook=workbook, results=results, lost=stored.lost, signer=signer)
            views = raw_pages.write(stored, loaded, staging)
            loaded.add(raw=views)
            Report(own, run, loaded, staging, views, front=fronts.of(pack)).write(lacking, incidents)
        return views
    finally:
        own.close()


class Report:
    """One report in the making: what its pages share."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        run: Run,
        templates: Templates,
        staging: Staging,
        views: raw_pages.RawViews,
        *,
        front: fronts.Front,
    ) -> None:
        self._con = con
        self._run = run
        self._templates = templates
        self._staging = staging
        self._views = views
        self._front = front
        self._names = Names(con, run)
        self._controls = controls.load(con)
        self._frameworks = frameworks.frameworks(con, self._controls)
        templates.add(
            controls=self._controls,
            labels=frameworks.labels(self._frameworks),
            framework_names={each["key"]: each["name"] for each in self._frameworks},
            who=self._names.principal,
            subscription_name=self._names.subscription,
            scope_name=self._names.scope,
            verdict_link=self._verdict_link,
            evidence_name=links.reference,
            baselines_of=self._baselines_of,
        )

    def write(self, lacking: frozenset[str], incidents: Sequence[Incident]) -> None:
        """Write every page but the raw views."""
        kinds = coverage.by_kind(self._con, self._run)
        self._templates.add(kind_pages={kind["kind"] for kind in kinds})
        for control in self._controls.values():
            self._control(control)
        self._each_framework(kinds)
        for kind in kinds:
            self._kind(kind)
        self._templates.add(lacking=lacking)
        about = dossier.About(run=self._run, names=self._names, groups=ActionGroups(self._con), lacking=lacking)
        views = incident.Views(self._con, about, incidents)
        for facts in dossier.jobs(self._con, about):
            self._job(facts, views)
        self._staging.write("index.html", self._templates.render("index.html", base="", **self._index(kinds)))

    def _job(self, facts: dict[str, Any], views: incident.Views) -> None:
        """Write a job's dossier and its incident views."""
        failed = {row["control_id"]: None for row in facts["failures"]}
        remedies = sorted(
            (self._controls[name] for name in failed),
            key=lambda control: (controls.SEVERITIES.index(control["severity"]), control["control_id"]),
        )
        page = links.job_page(facts["job"]["job_id"])
        shown = self._templates.render(
            "job.html", base="../", remedies=remedies, incident=views.first(facts["job"]["job_key"]), **facts
        )
        self._staging.write(page, shown)
        for name, told in views.pages(facts):
            self._staging.write(name, self._templates.render("incident.html", base="../", **told))

    def _index(self, kinds: list[Row]) -> dict[str, Any]:
        listed = self._listed(
            listing
            for listing in listings.of_index(self._con, self._run, self._names, self._views)
            if listing.name not in self._front.without
        )
        con = self._con
        review = change = None
        if self._front.leads == "access-review.html":
            listed |= self._listed(review_listings.of_review(con))
            review = reviewing.told(con, self._run)
        elif self._front.leads == "change.html":
            change = changing.told(con)
            self._templates.add(change=change)
            listed |= self._listed(change_listings.of_change(con, self._names, self._run))
        written = entitlements.written(con)
        return {
            "review": review,
            "change": change,
            "leads": self._front.leads,
            "sections": self._front.sections,
            "contents": self._front.contents if change is None else changing.contents(change, self._front.contents),
            "access_written": written,
            "concerns": holding.concerns(con, self._names, written=written),
            "shared_identities": holding.shared(con, written=written),
            "figures": figures.figures(con),
            "kinds": kinds,
            "left_out": coverage.left_out(self._run),
            "scope_words": provenance.scope(self._run),
            "collector": self._collector(),
            "provenance": provenance.facts(self._run),
            "without_raw": provenance.WITHOUT_RAW,
            "own_controls": sum(1 for control in self._controls.values() if control["source"] != "built-in"),
            "areas": matrix.areas(con),
            "frameworks": self._frameworks,
            "excused": excused.counts(con),
            "change_counts": changes.counts(con),
            "ticket_counts": tickets.counts(con),
            "access_counts": access.counts(con, "listing_access"),
            "costs": health.cost(con),
            "cadence": health.cadence(con, self._names),
            "ran": health.counted(con),
            "uncovered": one(con, budgets.UNCOVERED),
            "subscriptions": fetch(
                con, "select * from subscriptions order by lower(coalesce(name, subscription_id)), subscription_id"
            ),
            **listed,
        }

    def _listed(self, each: Iterable[listings.Listing]) -> dict[str, Any]:
        """Write listings, and return what the first page of each shows, by its name as templates spell it."""
        return {listing.name.replace("-", "_"): self._listing(listing) for listing in each}

    def _collector(self) -> str:
        """Return the name of who collected: from the token, from the directory, or the bare id."""
        who = self._run.caller
        if who is None:
            return "unknown: no token was read"
        return who.name or self._names.caller(who.app_id or None, who.object_id).name

    def _listing(self, listing: listings.Listing, folder: str = "", **context: Any) -> dict[str, Any]:
        """Write a listing's pages from the second on, and return what the first shows."""
        table = "listing_" + re.sub(r"\W", "_", listing.name)
        total = numbered(self._con, table, listing.sql)
        of = max(1, -(-total // listing.size))
        shown: dict[str, Any] = {}
        for number, rows in enumerate(pages(self._con, table, total, listing.size), 1):
            part = listings.Part(
                number=number,
                of=of,
                first=min(total, (number - 1) * listing.size + 1),
                last=min(total, number * listing.size),
                total=total,
                previous=self._page(listing, folder, number - 1) if number > 1 else "",
                following=self._page(listing, folder, number + 1) if number < of else "",
            )
            told = {"part": part, "listing": listing, **context, **listing.told(rows)}
            if number == 1:
                shown = told
            else:
                name = self._page(listing, folder, number)
                base = "../" * name.count("/")
                self._staging.write(name, self._templates.render("listing.html", base=base, **told))
        return shown

    def _page(self, listing: listings.Listing, folder: str, number: int) -> str:
        if folder:
            return links.numbered(f"{folder}/{links.safe_name(listing.name)}", number)
        return links.numbered(listing.name, number) if number > 1 else f"index.html#{listing.name}"

    def _control(self, control: Row) -> None:
        """Write every verdict of a control, failures first."""
        listing = listings.Listing(
            name=control["control_id"],
            title=f"{control['control_id']}: {control['title']}",
            template="sections/verdicts.html",
            sql=findings.OF_CONTROL.format(control=control["control_id"].replace("'", "''")),
            size=_VERDICTS_PER_PAGE,
            told=lambda rows: {"groups": findings.by_verdict(rows, control["counts"])},
        )
        first = self._listing(listing, "verdicts", control=control)
        self._staging.write(
            links.verdict_page(control["control_id"]), self._templates.render("control.html", base="../", **first)
        )

    def _each_framework(self, kinds: list[Row]) -> None:
        """Write a page for each framework: what supports it, and what can't be shown."""
        told = {
            "gaps": sum(kind["gaps"] for kind in kinds),
            "left_out": coverage.left_out(self._run),
        }
        for framework in self._frameworks:
            page = self._templates.render("framework.html", base="../", framework=framework, **told)
            self._staging.write(links.framework_page(framework["key"]), page)

    def _baselines_of(self, verdict: Row) -> list[Row]:
        """Return what a verdict's job was judged by: a control's parameters, the job's own in the place of others."""
        own = {each["name"]: each for each in verdict["own_baselines"] or ()}
        return [own.get(each["name"], each) for each in self._controls[verdict["control_id"]]["parameters"]]

    def _verdict_link(self, control_id: str, verdict: str) -> str:
        """Return where a control's verdicts of one word begin."""
        counts = self._controls[control_id]["counts"]
        before = 0
        for word in controls.VERDICTS:
            if word == verdict:
                break
            before += counts[word]
        return f"{links.verdict_page(control_id, before // _VERDICTS_PER_PAGE + 1)}#{verdict}"

    def _kind(self, kind: Row) -> None:
        """Write every unit of collection of a kind, gaps first."""
        listing = listings.Listing(
            name=kind["kind"],
            title=kind["title"],
            template="sections/units.html",
            sql=coverage.UNITS.format(kind=kind["kind"].replace("'", "''")),
            size=250,
            told=lambda rows: {"rows": [coverage.place(row, self._names, self._views) for row in rows]},
        )
        first = self._listing(listing, "coverage", kind=kind)
        self._staging.write(links.coverage_page(kind["kind"]), self._templates.render("kind.html", base="../", **first))


_VERDICTS_PER_PAGE = 250
