"""The population, and how each job is configured."""

from __future__ import annotations

from audit.render.workbook.sheet import Column, Kind, Link, Sheet

TO_JOB = Link("Jobs", "job", "job_id")
JOB = Column("job", "Job", 28, note="Leads to the job.", link=TO_JOB)
JOB_NAME = "regexp_extract(job_id, '[^/]+$') as job"

JOBS = Sheet(
    title="Jobs",
    note="Every job that Azure lists in the scope, and those the Activity Log saw deleted in the period. In scope: "
    "started by events. An empty cell is a setting that the owner left to the platform's default.",
    query="""
        with counted as (
            select lower(job_id) as job_key, count(*) filter (verdict = 'fail') as failed,
                   count(*) filter (verdict = 'not_assessed') as open
            from verdicts group by all),
        ruled as (
            select lower(job_id) as job_key, count(*) as rules,
                   string_agg(distinct scaler_type, ', ' order by scaler_type) as scalers
            from scale_rules group by all),
        held as (select lower(job_id) as job_key, count(*) as containers from containers group by all),
        kept as (select lower(job_id) as job_key, count(*) as secrets from job_secrets group by all),
        listed as (
            select case when in_scope then 'in_scope' else 'out_of_scope' end as state, *,
                   null::timestamptz as deleted_at, null::varchar as deleted_by
            from jobs
            union all by name
            select state, row_id, observed_at, raw_ref, job_id, name, subscription_id, resource_group, trigger_type,
                   deleted_at, deleted_by
            from population where state in ('deleted', 'unreadable'))
        select l.*, s.name as subscription, regexp_extract(l.environment_id, '[^/]+$') as environment,
               r.rules, r.scalers, h.containers, k.secrets, c.failed, c.open,
               list_position(['in_scope', 'unreadable', 'deleted', 'out_of_scope'], l.state) as state_rank,
               case when l.state <> 'out_of_scope' then l.job_id end as page
        from listed l
        left join subscriptions s on lower(s.subscription_id) = lower(l.subscription_id)
        left join counted c on c.job_key = lower(l.job_id)
        left join ruled r on r.job_key = lower(l.job_id)
        left join held h on h.job_key = lower(l.job_id)
        left join kept k on k.job_key = lower(l.job_id)
    """,
    order="state_rank, lower(name), lower(job_id), row_id",
    tables=("jobs", "population", "scale_rules", "containers", "job_secrets", "verdicts", "subscriptions"),
    kinds=("jobs",),
    columns=(
        Column("name", "Job", 30),
        Column(
            "state",
            "State",
            13,
            Kind.WORD,
            "in_scope, unreadable (listed, but not to be decoded), deleted (in the period), or out_of_scope.",
        ),
        Column("trigger_type", "Trigger", 10, note="Event, Schedule or Manual. Empty: a deleted job, not known."),
        Column(
            "failed", "Failed", 8, Kind.INT, "Findings that fail; leads to them.", Link("Findings", "job", "job_id")
        ),
        Column("open", "Not assessed", 10, Kind.INT, "Findings for which evidence is missing."),
        Column("subscription", "Subscription", 22),
        Column("resource_group", "Resource group", 24),
        Column("location", "Location", 16),
        Column("environment", "Environment", 22, link=Link("Environments", "environment", "environment_id")),
        Column("rules", "Scale rules", 8, Kind.INT, "Leads to them.", Link("Scale rules", "job", "job_id")),
        Column("scalers", "Scalers", 24),
        Column("containers", "Containers", 11, Kind.INT, "Leads to them.", Link("Containers", "job", "job_id")),
        Column("secrets", "Secrets", 9, Kind.INT, "Names only; leads to them.", Link("Secrets", "job", "job_id")),
        Column("identity_type", "Identity", 22, link=Link("Identities", "job", "job_id")),
        Column("min_executions", "Min executions", 11, Kind.INT),
        Column("max_executions", "Max executions", 11, Kind.INT),
        Column("polling_interval_s", "Polling (s)", 9, Kind.INT),
        Column("parallelism", "Parallelism", 11, Kind.INT),
        Column("replica_completion_count", "Completions", 12, Kind.INT, "Replicas that must complete."),
        Column("replica_timeout_s", "Timeout (s)", 10, Kind.INT),
        Column("replica_retry_limit", "Retry limit", 9, Kind.INT),
        Column("workload_profile", "Workload profile", 15),
        Column("provisioning_state", "Provisioning", 13),
        Column("running_state", "Running state", 13),
        Column("created_by", "Created by", 30),
        Column("created_at", "Created (UTC)", 20, Kind.DATETIME),
        Column("modified_by", "Modified by", 30),
        Column("modified_at", "Modified (UTC)", 20, Kind.DATETIME),
        Column("deleted_by", "Deleted by", 26, note="Who deleted it, from the Activity Log."),
        Column("deleted_at", "Deleted (UTC)", 20, Kind.DATETIME),
        Column("job_id", "Job id", 60, Kind.CODE),
        Column("page", "Report page", 36, Kind.PAGE, "The job's page in the report."),
    ),
    anchors={"job": "lower(job_id)", "state": "state"},
    frozen=1,
)

SCALE_RULES = Sheet(
    title="Scale rules",
    note="What starts each job. Values that could be secrets are replaced by a keyed digest before anything is stored.",
    query=f"select *, {JOB_NAME} from scale_rules",
    order="lower(job), lower(job_id), rule_name, row_id",
    tables=("scale_rules",),
    kinds=("jobs",),
    columns=(
        JOB,
        Column("rule_name", "Rule", 24),
        Column("scaler_type", "Scaler", 20),
        Column("auth_method", "Authenticates by", 15, note="identity, secret or none."),
        Column("identity", "Identity", 44, Kind.CODE, "The identity the rule uses: a resource id, or system."),
        Column("metadata", "Metadata (JSON)", 60, Kind.CODE, "As Azure sent it, redacted."),
        Column("auth", "Authentication (JSON)", 44, Kind.CODE, "Names of secrets, never values."),
    ),
    anchors={"job": "lower(job_id)"},
)

CONTAINERS = Sheet(
    title="Containers",
    note="What each job runs.",
    query=f"select *, {JOB_NAME} from containers",
    order="lower(job), lower(job_id), init desc, container, row_id",
    tables=("containers",),
    kinds=("jobs",),
    columns=(
        JOB,
        Column("container", "Container", 24),
        Column("init", "Init", 8, Kind.BOOL, "Runs before the others."),
        Column("image", "Image", 60, Kind.CODE),
        Column("registry", "Registry", 28),
        Column("repository", "Repository", 28),
        Column("tag", "Tag", 14, note="Empty: none is named."),
        Column("digest", "Digest", 30, Kind.CODE, "Empty: the image isn't pinned."),
        Column("cpu", "CPU (cores)", 9, Kind.NUMBER),
        Column("memory_gib", "Memory (GiB)", 9, Kind.NUMBER),
    ),
    anchors={"job": "lower(job_id)"},
)

SECRETS = Sheet(
    title="Secrets",
    note="Names of the secrets that jobs declare. Values are never read: Azure does not send them in a list.",
    query=f"select *, {JOB_NAME} from job_secrets",
    order="lower(job), lower(job_id), name, row_id",
    tables=("job_secrets",),
    kinds=("jobs",),
    columns=(
        JOB,
        Column("name", "Secret", 30),
        Column("key_vault_url", "Key Vault reference", 60, Kind.CODE, "Empty: the value is kept in the job itself."),
        Column("identity", "Read by identity", 44, Kind.CODE),
    ),
    anchors={"job": "lower(job_id)"},
)

ENVIRONMENTS = Sheet(
    title="Environments",
    note="The Container Apps environments that the jobs run in: where their logs go and what reaches them.",
    query="""
        select e.*, coalesce(j.jobs, 0) as jobs, q.used, q.quota from environments e
        left join (select lower(environment_id) as environment_key, any_value(used) as used, any_value(quota) as quota
                   from environment_quotas where lower(name) = 'managedenvironmentconsumptioncores' group by all) q
            on q.environment_key = lower(e.environment_id)
        left join (select lower(environment_id) as environment_key, count(*) as jobs
                   from jobs where in_scope group by all) j on j.environment_key = lower(e.environment_id)
    """,
    order="lower(name), lower(environment_id), row_id",
    tables=("environments", "environment_quotas", "jobs"),
    kinds=("environments", "environment_quotas"),
    columns=(
        Column("name", "Environment", 26),
        Column("location", "Location", 16),
        Column("jobs", "Jobs in scope", 9, Kind.INT),
        Column("log_destination", "Logs go to", 16, note="log-analytics, azure-monitor or none. Empty: not set."),
        Column("workspace_id", "Workspace", 38, Kind.CODE),
        Column("internal", "Internal", 10, Kind.BOOL, "Has no public address."),
        Column("public_access", "Public access", 12),
        Column("vnet_subnet_id", "Subnet", 56, Kind.CODE, "Empty: not in a network of the owner's."),
        Column("zone_redundant", "Zone redundant", 11, Kind.BOOL),
        Column("used", "Cores in use", 10, Kind.NUMBER, "Of the Consumption profile, when it was read."),
        Column("quota", "Core quota", 10, Kind.NUMBER, "What may run at once there. Empty: not read, or not listed."),
        Column("environment_id", "Environment id", 60, Kind.CODE),
    ),
    anchors={"environment": "lower(environment_id)"},
)

SUBSCRIPTIONS = Sheet(
    title="Subscriptions",
    note="Every subscription that Azure lists for the caller. What it can't see is not here: Reconciliation "
    "compares this list with the subscriptions that the owner expects.",
    query="select * from subscriptions",
    order="lower(name), lower(subscription_id), row_id",
    tables=("subscriptions",),
    kinds=("subscriptions",),
    columns=(
        Column("name", "Subscription", 34),
        Column("subscription_id", "Subscription id", 38, Kind.CODE),
        Column("state", "State", 12),
        Column("tenant_id", "Tenant id", 38, Kind.CODE),
    ),
)
