"""What was approved, as people's ticket system exported it: one ticket for one job or resource. Kept in the run."""

from __future__ import annotations

from datetime import datetime

import msgspec

from audit.model.stated import Line


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a file of approved changes. Times are UTC; an empty text = the file doesn't say."""

    ticket: Line
    """Its number, as people call it."""
    job: str = ""
    """A job: its resource id, a name or a pattern (``*``, ``?``), also ``group/name``.
    A row has a job or a resource."""
    resource: str = ""
    """A resource that isn't the job: its id or a pattern of ids, or a name or pattern, also ``group/name``."""
    planned_from: datetime
    """When the change may begin; a day alone = its beginning."""
    planned_until: datetime
    """Until when it may begin, that moment excluded; a day alone = its end."""
    requester: Line
    """Who asked for the change."""
    approver: tuple[Line, ...] = ()
    """Who approved it; several parted by ``|``. Empty = nobody has."""
    approved_at: datetime | None = None
    """When the last of them did, with its time of day."""
    implementer: tuple[Line, ...]
    """Who is to make it, several parted by ``|``: a user principal name, an object id, an application id, or a name."""
    emergency: bool = False
    """Whether it may be made before it is approved, to be reviewed afterwards: ``yes`` or ``no``."""
    reviewed_at: datetime | None = None
    """When it was reviewed afterwards."""
    reviewed_by: str = ""
    """Who reviewed it."""
    risk: str = ""
    """What may go wrong."""
    test: str = ""
    """How it was tried."""
    rollback: str = ""
    """How to go back."""
    file: str
    """The file it stands in, as audit.toml names it."""
    row: int
    """Its row there: of a CSV as a spreadsheet counts, the heading being 1; of JSON the change's number, from 1."""

    @property
    def subject(self) -> str:
        """What it is for, as written."""
        return self.job or self.resource

    @property
    def source(self) -> str:
        """Where it stands, as a person finds it."""
        return f"{self.file}: row {self.row}"


class TicketFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of approved changes, as it was when the run began."""

    name: str
    """As audit.toml names it."""
    sha256: str
    tickets: int


class Tickets(msgspec.Struct, frozen=True, kw_only=True):
    """All files of approved changes that audit.toml names, in its order."""

    files: tuple[TicketFile, ...] = ()
    tickets: tuple[Ticket, ...] = ()
