"""The entitlements of a small estate, put straight into the tables that an access review is made from."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from audit.model import Run
from audit.model.review import ReviewSettings
from tests.render import workbook_fixture

NOW = workbook_fixture.NOW
ANA, BO = "ana@norvane.example", "bo@norvane.example"
PERSON = "00000000-0000-4000-7000-0000000000{:02}"
SUBSCRIPTION, GROUP = workbook_fixture.SUBSCRIPTION, workbook_fixture.GROUP

STANDARD = "row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR"
SCHEMA = {
    "entitlements": """entitlement_id VARCHAR, position BIGINT, kind VARCHAR, access VARCHAR, principal_id VARCHAR,
        principal VARCHAR, principal_login VARCHAR, principal_type VARCHAR, concern VARCHAR, role VARCHAR,
        role_definition_id VARCHAR, scope VARCHAR, scope_words VARCHAR, via_ids JSON, given_on TIMESTAMPTZ,
        given_by VARCHAR, conditional BOOLEAN, condition VARCHAR, expires TIMESTAMPTZ, privileged BOOLEAN,
        standing BOOLEAN, capabilities JSON, can VARCHAR, jobs BIGINT, job_names JSON, holders BIGINT, complete BOOLEAN,
        incomplete_because VARCHAR, reviewer VARCHAR, reviewer_rule VARCHAR, reviewer_conflict BOOLEAN,
        last_change_at TIMESTAMPTZ, last_change_by VARCHAR, last_change VARCHAR, since_last VARCHAR,
        since_last_detail VARCHAR, previous_decision VARCHAR, previous_reason VARCHAR, previous_reviewer VARCHAR,
        previous_on DATE, previous_review VARCHAR, previous_outcome VARCHAR, reach_id VARCHAR""",
    "entitlement_reach": "reach_id VARCHAR, job_id VARCHAR, capabilities JSON",
    "reviewer_subjects": "reviewer VARCHAR, principal_id VARCHAR",
    "job_gaps": "job_id VARCHAR, kind VARCHAR, scope VARCHAR, reason VARCHAR, detail VARCHAR",
    "principals": "principal_id VARCHAR, type VARCHAR, display_name VARCHAR, user_principal_name VARCHAR, "
    "app_id VARCHAR, enabled BOOLEAN, user_type VARCHAR, resolved BOOLEAN",
    "group_members": "group_id VARCHAR, member_id VARCHAR, member_type VARCHAR, display_name VARCHAR, "
    "user_principal_name VARCHAR",
}


class Estate:
    """The tables, empty at first."""

    def __init__(self) -> None:
        self.con = duckdb.connect()
        self.con.execute("set TimeZone = 'UTC'")
        self.count = 0
        for table, schema in SCHEMA.items():
            self.con.execute(f"create table {table} ({STANDARD}, {schema})")

    def add(self, table: str, **values: Any) -> None:
        row = {key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in values.items()}
        key = "\x1f".join(map(str, row.values()))
        row |= {"row_id": hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16], "observed_at": NOW}
        names = ", ".join(f'"{name}"' for name in row)
        self.con.execute(f"insert into {table} ({names}) values ({', '.join('?' * len(row))})", list(row.values()))

    def entitlement(self, principal: str, *, jobs: int = 1, number: int | None = None, **values: Any) -> str:
        """Add an entitlement of Contributor on the resource group and its jobs; keywords replace columns."""
        self.count += 1
        at = number or self.count
        names = [f"job-{each:03}" for each in range(jobs)]
        entitlement_id = "E-" + hashlib.sha256(f"{principal}{at}".encode("utf-8", "replace")).hexdigest()[:12].upper()
        told = {
            "entitlement_id": entitlement_id,
            "reach_id": entitlement_id,
            "position": at,
            "kind": "role",
            "access": "active",
            "principal_id": PERSON.format(at),
            "principal": principal,
            "principal_type": "User",
            "role": "Contributor",
            "scope": GROUP,
            "scope_words": "resource group rg-orders",
            "via_ids": [f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/{at}"],
            "conditional": False,
            "privileged": False,
            "standing": True,
            "capabilities": ["update_job", "read_job"],
            "can": "Change the job, Read the job",
            "jobs": jobs,
            "job_names": names[:20],
            "holders": 1,
            "complete": True,
            "reviewer": ANA,
            "reviewer_rule": "owner tag of all its jobs",
            "reviewer_conflict": False,
        }
        self.add("entitlements", **(told | values))
        for name in names:
            job_id = f"{workbook_fixture.JOBS}/{name}"
            self.add("entitlement_reach", reach_id=entitlement_id, job_id=job_id, capabilities=["update_job"])
        return entitlement_id


def run(**changes: Any) -> Run:
    """Return the run whose access is reviewed."""
    return workbook_fixture.run(**({"review": ReviewSettings(days_to_decide=14, days_to_revoke=7)} | changes))


def story() -> Estate:
    """Return six entitlements: four of ana's, one of bo's, one of nobody's."""
    estate = Estate()
    estate.entitlement(
        "Kim Okafor",
        principal_login="kim@norvane.example",
        role="Owner",
        scope=SUBSCRIPTION,
        scope_words="subscription Norvane Production",
        privileged=True,
        can="Create jobs beside it, Change the job, Delete the job, Grant access to the job, List the job's secrets",
        jobs=130,
        last_change="role assignment written",
        last_change_at=NOW - timedelta(days=4),
        last_change_by="Lee Hart",
        since_last="new",
        given_on=NOW - timedelta(days=4),
        given_by="Lee Hart",
    )
    estate.entitlement(
        "(deleted 4f1c…)",
        concern="orphaned",
        privileged=True,
        since_last="same",
        previous_decision="revoke",
        previous_reason="has left",
        previous_reviewer=ANA,
        previous_on=date(2026, 10, 20),
        previous_review="access-review-2026-10",
        previous_outcome="overdue",
    )
    estate.entitlement(
        "grp-orders-operators",
        principal_type="Group",
        kind="eligible_role",
        access="eligible",
        standing=False,
        role="Container Apps Jobs Operator",
        holders=14,
        complete=False,
        incomplete_because="members of grp-nested could not be read (forbidden)",
        since_last="changed",
        since_last_detail="reaches 3 jobs more",
        jobs=3,
        expires=NOW + timedelta(days=60),
    )
    estate.entitlement(
        "RootManageSharedAccessKey",
        kind="shared_access_policy",
        principal_type=None,
        role="Listen, Manage, Send",
        conditional=False,
        holders=None,
        since_last="same",
        previous_decision="keep",
        previous_reviewer=ANA,
        previous_on=date(2026, 10, 21),
        previous_outcome="done",
    )
    estate.entitlement("Ana Ruiz", principal_login=ANA, reviewer=BO, reviewer_rule="instead of ana: own access")
    estate.entitlement(
        "svc-deploy",
        principal_type="ServicePrincipal",
        reviewer=None,
        reviewer_rule="no rule and no tag tells",
        conditional=True,
        condition="@Resource[Microsoft.App/jobs:name] StringEquals 'job-001'",
    )
    estate.add("reviewer_subjects", reviewer=ANA, principal_id=PERSON.format(5))
    estate.add("reviewer_subjects", reviewer=BO, principal_id=PERSON.format(77))
    people = ((1, "Kim Okafor", "kim@norvane.example"), (5, "Ana Ruiz", ANA), (77, "Bo Lindqvist", BO))
    for number, name, login in people:
        estate.add(
            "principals",
            principal_id=PERSON.format(number),
            type="User",
            display_name=name,
            user_principal_name=login,
            resolved=True,
        )
    return estate


def datetime_at(text: str) -> datetime:
    return datetime.fromisoformat(text)
