"""What was read, what agrees, and what the controls answered."""

from __future__ import annotations

from audit.render.workbook.sheet import EVERY_KIND, Column, Kind, Link, Sheet

SUPPORTS = """
    concat_ws('; ', {}) """.format(
    ", ".join(
        f"""case when len(cast(frameworks->'{key}' as varchar[])) > 0
             then '{label} ' || array_to_string(cast(frameworks->'{key}' as varchar[]), ', ') end"""
        for key, label in (
            ("mcsb", "MCSB v1"),
            ("iso27001", "ISO/IEC 27001:2022"),
            ("soc2", "SOC 2"),
            ("nist80053", "NIST 800-53 r5"),
            ("pci", "PCI DSS 4.0.1"),
            ("cis", "CIS Azure 6.0.0"),
        )
    )
)
"""SQL: a control's ``frameworks`` as one line of text."""

COVERAGE = Sheet(
    title="Coverage",
    note="One row for each thing that was asked of Azure. A gap is a read that failed or was not complete: it is never "
    "an absence, and what rests on it is not assessed.",
    query="select c.*, case when c.scope = '/' then 'tenant' "
    "else coalesce(s.name, regexp_extract(rtrim(c.scope, '/'), '[^/]+$')) end as resource from coverage c "
    "left join subscriptions s on lower(rtrim(c.scope, '/')) = '/subscriptions/' || lower(s.subscription_id)",
    order="outcome desc, kind, lower(scope), row_id",
    tables=("coverage", "subscriptions"),
    kinds=EVERY_KIND,
    columns=(
        Column("outcome", "Outcome", 12, Kind.WORD, "collected: every page was read and decoded. gap: it was not."),
        Column("kind", "Evidence kind", 20, note="The kind of evidence that was asked for."),
        Column("resource", "About", 38, note="The resource, subscription or item that was asked about, by name."),
        Column("reason", "Reason", 18, Kind.WORD, "Why it is a gap. Empty: it is none."),
        Column("detail", "Detail", 60, Kind.LONG, "What Azure said, or what was confirmed."),
        Column("pages", "Pages", 8, Kind.INT, "Answers stored under raw/."),
        Column(
            "rows",
            "Rows",
            9,
            Kind.INT,
            "Rows read from them, over all tables of the kind. 0 in a complete read is a confirmed absence.",
        ),
        Column("requests", "Requests", 10, Kind.INT, "Requests sent, every attempt counted."),
        Column("started", "Started (UTC)", 20, Kind.DATETIME, "When the first request left."),
        Column("finished", "Finished (UTC)", 20, Kind.DATETIME, "When the last answer was stored."),
        Column("scope", "Scope", 90, Kind.CODE, "Where it was asked: the id of a subscription, resource or item."),
    ),
    anchors={"kind": "kind", "outcome": "kind || '|' || outcome"},
)

RECONCILIATION = Sheet(
    title="Reconciliation",
    note="The same population counted from two independent sources. A difference that nothing explains is a gap.",
    query="select r.*, s.name as subscription from reconciliation r "
    "left join subscriptions s on lower(s.subscription_id) = lower(r.subscription_id)",
    order="explained, difference is not null, lower(subscription_id), source_a, source_b, row_id",
    tables=("reconciliation", "subscriptions"),
    kinds=("subscriptions", "jobs", "graph_jobs"),
    nothing="There was nothing to compare.",
    columns=(
        Column("subscription", "Subscription", 26, note="Its name. Empty: not listed by Azure."),
        Column("source_a", "First source", 23, note="Where the first count comes from."),
        Column("count_a", "Count", 9, Kind.INT, "What the first source counts. Empty: it is a gap."),
        Column("source_b", "Second source", 20, note="Where the second count comes from."),
        Column("count_b", "Count there", 12, Kind.INT, "What the second source counts. Empty: it is a gap."),
        Column(
            "difference", "Difference", 11, Kind.INT, "How many things are in one source only. Empty: not comparable."
        ),
        Column("explained", "Explained", 10, Kind.BOOL, "False: nothing explains the difference, or it can't be told."),
        Column("explanation", "Explanation", 80, Kind.LONG, "What explains it, thing by thing."),
        Column("subscription_id", "Subscription id", 36, Kind.CODE, "Empty: all subscriptions together."),
        Column("only_a", "Only in the first (JSON)", 40, Kind.CODE),
        Column("only_b", "Only in the second (JSON)", 40, Kind.CODE),
    ),
)

BASELINES = """
    select g.control_id, k.job_key,
           string_agg(g.name || ' ' || coalesce(o.value, g.value)::VARCHAR || ', from '
                      || coalesce(o.origin, g.origin), '; ' order by g.name) as baselines
    from parameters g
    join (select distinct control_id, lower(job_id) as job_key from parameters) k using (control_id)
    left join parameters o on o.control_id = g.control_id and o.name = g.name and lower(o.job_id) = k.job_key
    where g.job_id is null
    group by all
"""
"""SQL: what a control judges by and who set it, in one line; job_key null = every job without a line of its own."""

FINDINGS = Sheet(
    title="Findings",
    note="Every verdict of every control, failures first, then what could not be assessed.",
    query=f"""
        select v.*, case when v.verdict = 'fail' then coalesce(own.baselines, every.baselines) end as baselines,
               c.title, c.area, c.remediation, c.supports, c.control_id || ' ' || c.title as control,
               coalesce(j.name, regexp_extract(v.job_id, '[^/]+$')) as job, s.name as subscription,
               j.resource_group,
               list_position(['fail', 'not_assessed', 'pass', 'not_applicable'], v.verdict) as verdict_rank,
               list_position(['critical', 'high', 'medium', 'low'], v.severity) as severity_rank
        from verdicts v
        left join (select *, {SUPPORTS} as supports from controls) c using (control_id)
        left join population j on lower(j.job_id) = lower(v.job_id)
        left join subscriptions s on lower(s.subscription_id) = lower(j.subscription_id)
        left join ({BASELINES}) every on every.control_id = v.control_id and every.job_key is null
        left join ({BASELINES}) own on own.control_id = v.control_id and own.job_key = lower(v.job_id)
    """,
    order="verdict_rank, severity_rank, control_id, lower(job_id), subject, row_id",
    tables=("verdicts", "controls", "population", "subscriptions", "parameters"),
    kinds=("jobs",),
    columns=(
        Column(
            "verdict", "Verdict", 13, Kind.WORD, "pass, fail, not_assessed (evidence is missing) or not_applicable."
        ),
        Column("severity", "Severity", 10, Kind.WORD, "How much a failure weighs."),
        Column(
            "control_id", "Control", 10, note="Leads to the control.", link=Link("Controls", "control", "control_id")
        ),
        Column("title", "What it checks", 38, Kind.LONG, "The control's title."),
        Column("area", "Area", 14, note="The part of the catalogue the control belongs to."),
        Column("job", "Job", 26, note="Leads to the job.", link=Link("Jobs", "job", "job_id")),
        Column("subject", "Subject", 26, note="What about the job was judged: a rule, a container, an identity."),
        Column("reason", "Reason", 56, Kind.LONG, "Why the verdict is what it is."),
        Column("remediation", "What to do", 76, Kind.LONG, "How a failure is mended."),
        Column("baselines", "Judged by", 50, Kind.LONG, "A failure's baselines for this job, and who set each."),
        Column("waived", "Waived", 9, Kind.BOOL, "An exception is in force. The failure stays a failure."),
        Column("waiver_id", "Waiver", 14, note="Names the exception."),
        Column("subscription", "Subscription", 22, note="Its name."),
        Column("resource_group", "Resource group", 22),
        Column(
            "supports", "Supports", 90, Kind.LONG, "Requirements the check supports; not a statement of compliance."
        ),
    ),
    nothing="No control found anything to judge.",
    anchors={
        "job": "lower(job_id)",
        "control": "control_id",
        "figure": "verdict || '|' || severity",
        "verdict": "verdict",
        "area": "area || '|' || verdict",
    },
)

CONTROLS = Sheet(
    title="Controls",
    note="The controls that were applied. Each is one SQL file under controls/ that anyone can run again on data/.",
    query=f"""
        select c.*, {SUPPORTS} as supports, array_to_string(cast(needs as varchar[]), ', ') as needed,
               coalesce(v.failed, 0) as failed, coalesce(v.open, 0) as open, coalesce(v.passed, 0) as passed,
               coalesce(v.not_applicable, 0) as not_applicable
        from controls c left join (
            select control_id, count(*) filter (verdict = 'fail') as failed,
                   count(*) filter (verdict = 'not_assessed') as open, count(*) filter (verdict = 'pass') as passed,
                   count(*) filter (verdict = 'not_applicable') as not_applicable
            from verdicts group by control_id) v using (control_id)
    """,
    order="control_id",
    tables=("controls", "verdicts"),
    kinds=(),
    columns=(
        Column(
            "control_id", "Control", 10, note="Leads to its findings.", link=Link("Findings", "control", "control_id")
        ),
        Column("title", "What it checks", 44, Kind.LONG),
        Column("area", "Area", 14),
        Column("severity", "Severity", 10, Kind.WORD),
        Column("subjects_total", "Subjects", 10, Kind.INT, "How many things it judges. 0: there is nothing to judge."),
        Column("failed", "Fail", 8, Kind.INT),
        Column("open", "Not assessed", 10, Kind.INT, "Subjects for which evidence is missing."),
        Column("passed", "Pass", 8, Kind.INT),
        Column("not_applicable", "Not applicable", 11, Kind.INT),
        Column("population_note", "About the population", 36, Kind.LONG, "Says so where there is nothing to judge."),
        Column("rationale", "Why it matters", 76, Kind.LONG),
        Column("remediation", "What to do", 76, Kind.LONG),
        Column("needed", "Rests on", 28, Kind.LONG, "The evidence kinds it needs."),
        Column(
            "supports", "Supports", 90, Kind.LONG, "Requirements the check supports; not a statement of compliance."
        ),
        Column("source", "Source", 11, note="built-in, or the organisation's own."),
    ),
    anchors={"control": "control_id"},
)

REQUIREMENTS = Sheet(
    title="Frameworks",
    note="Which controls support which requirement, with their verdicts; requirements that no control of this run "
    "supports; and what a framework asks that jobaudit can't show. Supports, never complies: a control shows a part.",
    query="""
        with linked as (
            select c.control_id, each.framework, unnest(each.ids) as requirement
            from controls c, (select unnest(json_keys(c.frameworks)) as framework,
                                     cast(c.frameworks->framework as varchar[]) as ids) each
        ), counted as (
            select control_id, count(*) filter (verdict = 'fail') as failed, count(*) filter (waived) as waived,
                   count(*) filter (verdict = 'not_assessed') as open, count(*) filter (verdict = 'pass') as passed,
                   count(*) filter (verdict = 'not_applicable') as not_applicable
            from verdicts group by control_id
        )
        select r.* exclude (weak), c.control_id, c.title, c.severity, v.failed, v.waived, v.open, v.passed,
               v.not_applicable,
               case when list_contains(cast(r.weak as varchar[]), c.control_id) then 'weakly supported'
                    when c.control_id is not null then 'supported' when r.shown then 'no control' else 'not shown here'
               end as state
        from requirements r
        left join linked l on r.shown and l.framework = r.framework and l.requirement = r.requirement
        left join controls c using (control_id)
        left join counted v using (control_id)
    """,
    order="position, control_id",
    tables=("requirements", "controls", "verdicts"),
    kinds=(),
    columns=(
        Column("framework_name", "Framework", 36),
        Column("requirement", "Requirement", 16, note="Its id, as the framework writes it."),
        Column("label", "What it is about", 44, Kind.LONG, "Our words; the text is its publisher's."),
        Column("state", "Here", 16, note="Whether a control of this run supports it, or no more than touches it."),
        Column(
            "control_id", "Control", 10, note="Leads to its findings.", link=Link("Findings", "control", "control_id")
        ),
        Column("title", "What it checks", 44, Kind.LONG),
        Column("severity", "Severity", 10, Kind.WORD, "How much a failure weighs."),
        Column("failed", "Fail", 8, Kind.INT, "Empty: no control is there, or it gave no verdict."),
        Column("waived", "Of them waived", 9, Kind.INT, "Failures that an exception covers; they stay failures."),
        Column("open", "Not assessed", 10, Kind.INT, "Subjects for which evidence is missing."),
        Column("passed", "Pass", 8, Kind.INT),
        Column("not_applicable", "Not applicable", 11, Kind.INT),
        Column("look", "Where to look instead", 56, Kind.LONG, "For what jobaudit can't show."),
    ),
    anchors={"framework": "framework"},
    nothing="No control was applied.",
)
