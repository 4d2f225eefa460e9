"""Who decides about which entitlement, by the rules of [review], and about whose access somebody may not decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

    from audit.model.review import ReviewSettings

_RULES = """
create or replace temp table review_rules as
select row.* from (select unnest(from_json($rows, '[{"position": "INTEGER", "reviewer": "VARCHAR",
    "resource_groups": "VARCHAR[]", "subscriptions": "VARCHAR[]", "scopes": "VARCHAR[]", "principals": "VARCHAR[]",
    "kinds": "VARCHAR[]"}]')) as row)
"""

# What a rule names has to hold; of what it leaves out everything does. The first rule wins.
_RULED = """
create or replace temp table ruled as
select e.entitlement_id, arg_min(r.reviewer, r.position) as reviewer, min(r.position) as rule
from entitlements e
join review_rules r
    on (len(r.kinds) = 0 or list_contains(r.kinds, e.kind))
    and (len(r.resource_groups) = 0
         or list_contains(r.resource_groups, lower(regexp_extract(e.scope, '(?i)/resourcegroups/([^/]+)', 1)))
         or len(e.resource_groups::VARCHAR[]) > 0 and list_has_all(r.resource_groups, e.resource_groups::VARCHAR[]))
    and (len(r.subscriptions) = 0
         or list_contains(r.subscriptions, lower(regexp_extract(e.scope, '(?i)^/subscriptions/([^/]+)', 1)))
         or len(e.subscriptions::VARCHAR[]) > 0 and list_has_all(r.subscriptions, e.subscriptions::VARCHAR[]))
    and (len(r.scopes) = 0 or exists (
         select 1 from (select unnest(r.scopes) as scope)
         where starts_with(lower(rtrim(e.scope, '/')) || '/', rtrim(scope, '/') || '/')))
    and (len(r.principals) = 0 or exists (
         select 1 from (select unnest(r.principals) as pattern)
         where lower(e.principal_id) like pattern escape '\\'
            or lower(coalesce(e.principal_login, '')) like pattern escape '\\'
            or lower(e.principal) like pattern escape '\\'))
group by e.entitlement_id
"""

# One reviewer, however their name is spelled: as [review] has it, else as the tags do.
_SPELLED = """
create or replace temp table reviewer_spellings as
select lower(name) as reviewer_key, arg_min(name, row(rank, name)) as reviewer
from (
    select reviewer as name, 1 as rank from review_rules
    union all select unnest([$alternate, $fallback]), 1
    union all select owner, 2 from entitlements
)
where name <> '' group by all
"""

_SUGGESTED = """
create or replace temp table suggested as
select e.entitlement_id, e.principal_id,
       s.reviewer,
       case when r.reviewer is not null then 'rule ' || r.rule || ' of [review]'
            when nullif(e.owner, '') is not null then 'the tag ' || $owner_tag || ' of every job that it reaches'
            else if($fallback <> '', 'review.fallback', 'no rule fits, and the jobs have no owner in common')
                 || if($owner_tag <> '' and exists (from coverage where kind = 'tags' and outcome = 'gap'),
                       '; not all tags could be read, so an owner may be missing', '') end as reviewer_rule
from entitlements e
left join ruled r using (entitlement_id)
left join reviewer_spellings s on s.reviewer_key = lower(coalesce(r.reviewer, nullif(e.owner, ''), $fallback))
"""

# A reviewer is who signs in by that name, and stands in all groups above; a name that nobody bears is nobody's access.
_SUBJECTS = """
create or replace table reviewer_subjects as
with reviewers as (
    select reviewer, reviewer_key from reviewer_spellings
    where reviewer in (select reviewer from suggested) or reviewer_key in (lower($alternate), lower($fallback))
),
people as (
    select r.reviewer, lower(p.principal_id) as principal_key
    from reviewers r join access_principals p
        on r.reviewer_key in (lower(p.principal_id), lower(p.user_principal_name), lower(p.display_name))
),
standing_in as (
    select reviewer, principal_key from people
    union
    select p.reviewer, a.group_key from people p join groups_above a on a.member_key = p.principal_key
)
select {row_id} as row_id, null::TIMESTAMPTZ as observed_at, null::VARCHAR as raw_ref, s.reviewer, p.principal_id
from standing_in s join access_principals p on lower(p.principal_id) = s.principal_key
order by s.reviewer, lower(p.principal_id)
"""

_ASSIGNED = """
create or replace table entitlements as
with own as (
    select distinct reviewer, lower(principal_id) as principal_key from reviewer_subjects
),
others as (
    select s.entitlement_id, s.principal_id, s.reviewer, s.reviewer_rule,
           (s.reviewer, lower(s.principal_id)) in (select reviewer, principal_key from own) as conflict,
           second.reviewer as alternate, third.reviewer as fallback
    from suggested s
    left join reviewer_spellings second on second.reviewer_key = lower($alternate)
    left join reviewer_spellings third on third.reviewer_key = lower($fallback)
),
chosen as (
    select entitlement_id,
           case when not coalesce(conflict, false) then reviewer
                when alternate is not null
                     and (alternate, lower(principal_id)) not in (select reviewer, principal_key from own)
                    then alternate
                when fallback is not null
                     and (fallback, lower(principal_id)) not in (select reviewer, principal_key from own)
                    then fallback
                else reviewer end as reviewer,
           coalesce(conflict, false) as conflict, reviewer as first_choice, reviewer_rule
    from others
)
select e.* exclude (source_key, owner, resource_groups, subscriptions), c.reviewer,
       c.reviewer_rule || case when c.conflict and c.reviewer <> c.first_choice
           then '; not ' || c.first_choice || ', whose own access it is' else '' end as reviewer_rule,
       c.conflict and c.reviewer = c.first_choice as reviewer_conflict
from entitlements e join chosen c using (entitlement_id)
order by e.position
"""


def create(con: duckdb.DuckDBPyConnection, settings: ReviewSettings) -> None:
    """Give each row of ``entitlements`` its reviewer, and create ``reviewer_subjects``.

    ``reviewer_rule`` says where tags that weren't read may hide an owner. ``reviewer_conflict``: nobody else is named
    who could decide about the reviewer's own access.
    """
    con.execute(_RULES, {"rows": msgspec.json.encode(_rules(settings)).decode()})
    con.execute(_RULED)
    names = {"alternate": settings.alternate, "fallback": settings.fallback}
    con.execute(_SPELLED, names)
    con.execute(_SUGGESTED, {"fallback": settings.fallback, "owner_tag": settings.owner_tag})
    con.execute(_SUBJECTS.format(row_id=row_id("reviewer_subjects", "s.reviewer", "p.principal_id")), names)
    con.execute(_ASSIGNED, names)
    for table in ("suggested", "reviewer_spellings", "ruled", "review_rules"):
        con.execute(f"drop table {table}")


def _rules(settings: ReviewSettings) -> list[dict[str, object]]:
    return [
        {
            "position": number,
            "reviewer": rule.reviewer,
            "resource_groups": [name.lower() for name in rule.resource_groups],
            "subscriptions": [name.lower() for name in rule.subscriptions],
            "scopes": [name.lower() for name in rule.scopes],
            "principals": [_pattern(name.lower()) for name in rule.principals],
            "kinds": list(rule.kinds),
        }
        for number, rule in enumerate(settings.reviewers, 1)
    ]


def _pattern(text: str) -> str:
    """Return ``*`` and ``?`` as LIKE writes them, everything else as itself."""
    for found, meant in (("\\", "\\\\"), ("%", "\\%"), ("_", "\\_"), ("*", "%"), ("?", "_")):
        text = text.replace(found, meant)
    return text
