"""Who works at Norvane: people, their groups, and the pipelines that deploy for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate.directory import application, departed, group, person

if TYPE_CHECKING:
    from audit.sandbox.estate.world import World

_PEOPLE = (
    ("petra.okafor", "Petra Okafor", "Head of platform"),
    ("ines.halloran", "Ines Halloran", "Engineering lead, orders"),
    ("marek.dvorak", "Marek Dvořák", "Engineering lead, billing"),
    ("tove.lindqvist", "Tove Lindqvist", "Data engineer, telemetry"),
    ("sanjay.rao", "Sanjay Rao", "Integration engineer, imports"),
    ("li.wei", "Li Wei 李伟", "Developer, notifications"),
    ("nora.haddad", "\u202eنورا الحداد\u202c", "Operator on call"),  # noqa: RUF001  a name that is written from right to left
    ("camille.roux", "Camille Roux", "Financial controller"),
    ("ruth.ferreira", "Ruth Ferreira", "Internal auditor"),
)
_GROUPS = (
    ("grp.platform", "grp-platform-engineers", "Runs the landing zones"),
    ("grp.orders", "grp-orders-developers", ""),
    ("grp.billing", "grp-billing-developers", ""),
    ("grp.telemetry", "grp-telemetry-developers", ""),
    ("grp.notifications", "grp-notifications-developers", ""),
    ("grp.search", "grp-search-developers", ""),
    ("grp.oncall", "grp-operations-on-call", "Rotates weekly"),
    ("grp.release", "grp-release-managers", ""),
    ("grp.security", "grp-security-readers", ""),
    ("grp.finops", "grp-finops", ""),
    ("grp.audit", "grp-auditors", ""),
)
_PIPELINES = (
    ("deploy.platform", "deploy-platform"),
    ("deploy.orders", "deploy-orders"),
    ("deploy.billing", "deploy-billing"),
    ("deploy.telemetry", "deploy-telemetry"),
    ("deploy.tools", "deploy-tools"),
    ("replay.scheduler", "orders-replay-scheduler"),
    ("nightly.report", "nightly-report<script>alert('norvane')</script>"),
)


def hire(world: World) -> None:
    """Fill the directory."""
    for key, name, title in _PEOPLE:
        person(world, key, name, title=title)
    person(world, "oskar.brandt", "Oskar Brandt", title="Contractor, left in spring", enabled=False)
    person(world, "dana.whitlock", "Dana Whitlock (Brightpath)", guest_of="brightpath.example")
    person(world, "emergency.access", "Emergency access 1")
    departed(world, "jonas.weber")
    departed(world, "amelie.petit")
    for key, name, description in _GROUPS:
        group(world, key, name, description)
    for key, name in _PIPELINES:
        application(world, key, name)
    application(world, "collector", "jobaudit-collector", kind="ManagedIdentity")
