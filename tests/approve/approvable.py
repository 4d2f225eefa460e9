"""A pack with the evidence that an approver is held against: who changed something, who has access, who collected."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec

from audit.model import Caller, Run, RunState
from audit.model.approval import ApprovalRules
from audit.seal import sealing
from audit.seal.keys import LocalKey
from audit.store.head import Head
from tests.seal import sealed_pack

ROBOT, CARO, RITA, NINA = "0-robot", "0-caro", "0-rita", "0-nina"
AT = datetime(2026, 11, 1, tzinfo=UTC)
SAID = {
    "decision": "approved", "by": "olga@x.example", "role": "owner", "ticket": "CHG-1", "comment": "", "conflicts": [],
    "not_shown": [],
}  # fmt: skip
"""The body of an approval."""


def make(
    root: Path,
    *,
    pack: str = "compliance",
    gap: bool = False,
    run_id: str = "r1",
    at: datetime = AT,
    signer: LocalKey | None = None,
    settings: dict[str, str] | None = None,
    **rules: object,
) -> Path:
    """Seal a pack. caro changed a job, nina may update one, rita may look at one, the robot collected.

    ``settings``: of the job /j/one, by property.
    """
    run = Run(
        run_id=run_id,
        state=RunState.DONE,
        tool_version="0.1.0",
        cloud="public",
        endpoint="https://management.azure.com",
        caller=Caller(object_id=ROBOT, tenant_id="t", kind="app", app_id="app-robot"),
        window=sealed_pack.WINDOW,
        subscriptions=(),
        expected_subscriptions=(),
        kinds=(),
        started=at,
        finished=at,
        approval=msgspec.convert(rules, ApprovalRules),
    )
    about = sealed_pack.about(signer, pack=pack, run_id=run_id)
    folder = root / about.name
    (folder / "data").mkdir(parents=True)
    head = Head(**{name: getattr(run, name) for name in Run.__struct_fields__})
    (folder / "run.json").write_bytes(msgspec.json.encode(head))
    tables = {
        "principals": f"""(values
            ('{CARO}', null, 'caro@x.example', 'Caro Änder'), ('{RITA}', null, 'rita@x.example', 'Rita'),
            ('{NINA}', null, 'nina@x.example', 'Nina'), ('{ROBOT}', 'app-robot', null, 'collector'),
            ('0-olga', null, 'olga@x.example', 'Olga'))
            t(principal_id, app_id, user_principal_name, display_name)""",
        "changes": f"(values ('/j/one', 'write', '{CARO}', null)) t(job_id, operation, changed_by, changed_by_name)",
        "effective_access": f"""(values
            ('/j/one', 'update_job', '{NINA}', false), ('/j/one', 'read_job', '{RITA}', false),
            ('/j/one', 'update_job', '0-olga', true)) t(job_id, capability, principal_id, denied)""",
        "coverage": f"""(values ('activity_log', '{"gap" if gap else "collected"}', null, null))
            t(kind, outcome, reason, place)""",
    }
    if settings is not None:
        told = ", ".join(
            f"('r', '{AT}'::TIMESTAMPTZ, 'raw/x', '/j/one', '{k}', '{v}', null)" for k, v in settings.items()
        )
        columns = "row_id, observed_at, raw_ref, job_id, property, value, hidden_under"
        tables["job_configuration"] = f"(values {told}) t({columns})"
    for name, rows in tables.items():
        duckdb.execute(f"copy (from {rows}) to '{folder}/data/{name}.parquet' (format parquet)")
    sealing.seal(folder, about, packs=root, key=signer)
    return folder
