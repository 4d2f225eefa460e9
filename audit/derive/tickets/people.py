"""Who is meant: the names by which the directory knows those who made changes.

Temporary tables ``ticket_names``, ``ticket_callers`` and ``ticket_people``. A name that several bear proves nothing,
and neither does a display name in the form of an id or an address: everybody chooses their own.
"""

from __future__ import annotations

_GUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def key(text: str) -> str:
    """Return the SQL by which two spellings of a name are compared."""
    return f"lower(nfc_normalize(trim({text})))"


_NAMES = f"""
create or replace temp table ticket_names as
with people as (
    select lower(principal_id) as person, * from access_principals
    where coalesce(type, '') not in ('Group', 'SharedAccessPolicy', 'AdminUser')
),
told as (
    select person, person as name, 1 as rank, 'object id' as known_by from people
    union select person, {key("app_id")}, 2, 'application id' from people
    union select lower(principal_id), {key("client_id")}, 2, 'application id' from identities
    union select person, {key("user_principal_name")}, 3, 'user principal name' from people
    union select person, {key("display_name")}, 4, 'name' from people
        where display_name not like '%@%' and not regexp_full_match({key("display_name")}, '{_GUID}')
),
strongest as (
    select * from told where person is not null and name <> ''
    qualify rank = min(rank) over (partition by name)
)
select person, name, rank, known_by, count(distinct person) over (partition by name) as bearers from strongest
"""

# Who a caller is: by object id; else by the only one who bears the recorded name; else the recorded name itself.
_CALLERS = f"""
create or replace temp table ticket_callers as
with told as (
    select changed_by, changed_by_id, client_app_id,
           bool_or(coalesce(changed_by_type, '') = 'user' or coalesce(changed_by, '') like '%@%') as human
    from ticket_acts group by all
),
meant as (
    select told.*, row_number() over (order by changed_by, changed_by_id, client_app_id) as caller,
           coalesce(lower(changed_by_id), sole.person, {key("changed_by")}) as person
    from told
    left join (
        select name, min(person) as person from ticket_names where bearers = 1 and rank < 4 group by name
    ) as sole on sole.name = {key("changed_by")}
)
select meant.*, coalesce(person in (select person from ticket_names), false) as known from meant
"""

# For an application the token's application id is its own; for a person it is the program's.
_PEOPLE = f"""
create or replace temp table ticket_people as
with told as (
    select caller, person, {key("changed_by")} as name, 0 as rank, 'name as Azure records it' as known_by, 1 as bearers
    from ticket_callers
    union all select caller, person, lower(changed_by_id), 1, 'object id', 1 from ticket_callers
    union all select caller, person, lower(client_app_id), 2, 'application id', 1 from ticket_callers where not human
    union all
    select c.caller, c.person, n.name, n.rank, n.known_by, n.bearers
    from ticket_callers c join ticket_names n using (person)
)
select caller, any_value(person) as person, name, arg_min(known_by, rank) as known_by, arg_min(bearers, rank) as bearers
from told where name <> ''
group by caller, name
"""


def untold(caller: str, name: str) -> str:
    """Return the SQL that tells whether nobody can say if a name is a caller's: the directory knows neither.

    Two sign-in names that differ are two people all the same.
    """
    addresses = f"contains({name}, '@') and contains(coalesce({caller}.changed_by, ''), '@')"
    return f"not {caller}.known and not ({addresses}) and {name} not in (select name from ticket_names)"


PEOPLE = (_NAMES, _CALLERS, _PEOPLE)
"""Statements in order; they read ``ticket_acts``, ``access_principals`` and ``identities``."""
