"""Microsoft Graph, served on a host of its own: directory objects by id, and what routes/groups.py answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from audit.sandbox.call import split_target
from audit.sandbox.routes.groups import Groups
from audit.sandbox.wire import Answer, Refused, encode

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Estate
    from audit.sandbox.front import Incoming
    from audit.sandbox.options import SandboxOptions

_MOST = 1000


class _ByIds(msgspec.Struct):
    ids: list[str]
    types: list[str] | None = None


class Directory:
    """The estate's directory as Graph answers for it."""

    def __init__(self, estate: Estate, options: SandboxOptions, host: str) -> None:
        self._objects = {key.lower(): body for key, body in estate.directory.items()}
        self._groups = Groups(estate, options, host)
        self._host = host

    def answer(self, incoming: Incoming) -> Answer:
        """Answer a call. Raises Refused in Graph's words."""
        path, query = split_target(incoming.raw)
        method, lower = incoming.method, path.lower()
        if method == "POST" and lower == "/v1.0/directoryobjects/getbyids":
            return self._by_ids(incoming.body)
        if method == "GET" and lower.startswith("/v1.0/directoryobjects/"):
            return self._one(path.rsplit("/", 1)[1])
        if method == "GET" and (found := self._groups.answer(path, query, incoming.headers)):
            return found
        raise Refused(
            404, "Request_ResourceNotFound", f"Resource not found for the segment '{path.rsplit('/', 1)[-1]}'."
        )

    def _by_ids(self, body: bytes) -> Answer:
        """Answer the objects that exist; an id that doesn't is left out without a word."""
        try:
            request = msgspec.json.decode(body, type=_ByIds)
        except msgspec.DecodeError as error:
            raise Refused(400, "Request_BadRequest", f"Unable to read JSON request payload. {error}") from error
        if len(request.ids) > _MOST:
            raise Refused(
                400, "Request_BadRequest", f"Too many items in the parameter 'ids': {len(request.ids)} exceeds {_MOST}."
            )
        kinds = {each.lower() for each in request.types or ()} - {"directoryobject"}
        found = [self._objects[each.lower()] for each in request.ids if each.lower() in self._objects]
        if kinds:
            found = [each for each in found if each["@odata.type"].rsplit(".", 1)[-1].lower() in kinds]
        context = f"{self._host}/v1.0/$metadata#directoryObjects"
        return Answer(200, encode({"@odata.context": context, "value": found}))

    def _one(self, object_id: str) -> Answer:
        found = self._objects.get(object_id.lower())
        if found is None:
            message = f"Resource '{object_id}' does not exist or one of its queried references are not present."
            raise Refused(404, "Request_ResourceNotFound", message)
        context = f"{self._host}/v1.0/$metadata#directoryObjects/$entity"
        return Answer(200, encode({"@odata.context": context, **found}))


def refusal(refused: Refused, request_id: str) -> bytes:
    """Return an error body as Graph words it."""
    inner = {"request-id": request_id, "client-request-id": request_id}
    return encode({"error": {"code": refused.code, "message": refused.message, "innerError": inner}})
