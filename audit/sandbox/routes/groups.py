"""Groups as Microsoft Graph v1.0 answers for them: who is in one, directly or by any way, and who may come in.

As the real one does, it leaves service principals out of a plain list of members, tells nobody the members of a group
with hidden membership but who holds Member.Read.Hidden, and wants ConsistencyLevel for a list by type.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from audit.sandbox.wire import FIRST, Answer, Cursor, Refused, encode, ok

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.sandbox.estate.model import Body, Estate
    from audit.sandbox.options import SandboxOptions

_GROUP = re.compile(r"/v1\.0/groups/([^/]+)", re.IGNORECASE)
_LIST = re.compile(r"/v1\.0/groups/([^/]+)/(members|transitivemembers)(/microsoft\.graph\.(\w+))?", re.IGNORECASE)
_PIM = re.compile(
    r"/v1\.0/identitygovernance/privilegedaccess/group/(eligibility|assignment)scheduleinstances", re.IGNORECASE
)
_FILTER = re.compile(r"groupId eq '([^']+)'", re.IGNORECASE)
_SHAPE = "#microsoft.graph."
_MEMBERS = ("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All")
_ALWAYS = ("@odata.type", "id")


class Groups:
    """The estate's groups."""

    def __init__(self, estate: Estate, options: SandboxOptions, host: str) -> None:
        self._estate = estate
        self._host = host
        self._most = options.page_sizes.members
        self._held = set(options.graph_permissions)
        self._refused = {name.lower() for name in options.refused_groups}

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer | None:
        """Answer a GET about a group, or None where the path isn't about one. Raises Refused in Graph's words."""
        if match := _LIST.fullmatch(path):
            self._needs(*_MEMBERS)
            return self._list(path, match, query, headers)
        if match := _GROUP.fullmatch(path):
            self._needs(*_MEMBERS)
            return self._one(self._group(match[1]), query)
        if match := _PIM.fullmatch(path):
            self._needs(f"Privileged{match[1].title()}Schedule.Read.AzureADGroup")
            return self._schedules(path, match[1].lower(), query)
        return None

    def _needs(self, *any_of: str) -> None:
        if not self._held & set(any_of):
            raise Refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")

    def _group(self, object_id: str) -> Body:
        body = self._estate.directory.get(object_id.lower())
        if body is None or body["@odata.type"] != f"{_SHAPE}group":
            message = f"Resource '{object_id}' does not exist or one of its queried references are not present."
            raise Refused(404, "Request_ResourceNotFound", message)
        if str(body["displayName"]).lower() in self._refused:
            raise Refused(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        return body

    def _one(self, body: Body, query: Mapping[str, str]) -> Answer:
        context = f"{self._host}/v1.0/$metadata#groups/$entity"
        return ok({"@odata.context": context, **_selected(body, query)})

    def _list(self, path: str, match: re.Match[str], query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        group, sort = self._group(match[1]), match[4]
        eventual = headers.get("ConsistencyLevel", "").lower() == "eventual"
        if sort and not (eventual and query.get("$count") == "true"):
            raise Refused(
                400,
                "Request_UnsupportedQuery",
                "The specified filter to the reference property query is currently not supported.",
            )
        found = self._transitive(group["id"]) if match[2].lower() == "transitivemembers" else self._direct(group["id"])
        if group.get("visibility") == "HiddenMembership" and "Member.Read.Hidden" not in self._held:
            found = iter(())
        wanted = sort.lower() if sort else None
        bodies = [body for body in found if (_type(body) == wanted if wanted else _type(body) != "serviceprincipal")]
        told = [_selected(each, query) for each in bodies]
        if "Directory.Read.All" not in self._held:  # of whom the caller may not read, only the id and the type are told
            told = [{name: each[name] if name in _ALWAYS else None for name in each} for each in told]
        return self._page(path, told, query, "directoryObjects")

    def _direct(self, group: str) -> Iterator[Body]:
        for member in self._estate.memberships.get(group, ()):
            if body := self._estate.directory.get(member):
                yield body

    def _transitive(self, group: str) -> Iterator[Body]:
        """Yield each member once, nearest first; a group that contains itself is walked once."""
        line, known = [group], {group}
        while line:
            for body in self._direct(line.pop(0)):
                if body["id"] in known:
                    continue
                known.add(body["id"])
                yield body
                if _type(body) == "group":
                    line.append(body["id"])

    def _schedules(self, path: str, which: str, query: Mapping[str, str]) -> Answer:
        match = _FILTER.fullmatch(query.get("$filter", "").strip())
        if match is None:
            message = "The required $filter query parameter by principalId or groupId is missing."
            raise Refused(400, "MissingParameters", message)
        group = self._group(match[1])
        listed = self._estate.group_eligibility if which == "eligibility" else self._estate.group_activations
        bodies = [dict(each) for each in listed.get(group["id"], ())]
        if query.get("$expand") == "principal":
            for each in bodies:
                each["principal"] = self._estate.directory.get(each["principalId"])
        return self._page(path, bodies, query, path.removeprefix("/v1.0/"))

    def _page(self, path: str, bodies: list[Body], query: Mapping[str, str], context: str) -> Answer:
        token = query.get("$skiptoken")
        cursor = FIRST
        if token is not None:
            try:
                cursor = Cursor.read(token)
            except ValueError as error:
                raise Refused(
                    400, "Directory_ExpiredPageToken", "The specified page token value has expired."
                ) from error
        size = min(self._most, int(query.get("$top", "100")))
        end = cursor.offset + size
        answer: Body = {"@odata.context": f"{self._host}/v1.0/$metadata#{context}"}
        if query.get("$count") == "true" and cursor is FIRST:
            answer["@odata.count"] = len(bodies)
        if end < len(bodies):
            kept = "&".join(f"{quote(k, safe='$')}={quote(v)}" for k, v in query.items() if k != "$skiptoken")
            token = Cursor(cursor.page + 1, end).token()
            answer["@odata.nextLink"] = f"{self._host}{quote(path)}?{kept}&$skiptoken={token}"
        return Answer(200, encode({**answer, "value": bodies[cursor.offset : end]}))


def _type(body: Body) -> str:
    return str(body["@odata.type"]).removeprefix(_SHAPE).lower()


def _selected(body: Body, query: Mapping[str, str]) -> Body:
    """Return the properties that were asked for; Graph leaves out those that a type doesn't have."""
    wanted = query.get("$select")
    names = (*_ALWAYS, *wanted.split(",")) if wanted else tuple(body)
    return {name: body[name] for name in dict.fromkeys(names) if name in body}
