"""The words of the program as values: no I/O here."""

from audit.model.decode import Row, decode, raw_ref
from audit.model.kind import EvidenceKind, Level
from audit.model.outcome import Collected, Gap, GapReason, NotThere, Outcome, ReadFailed
from audit.model.page import Page, graph_rows, listed, whole
from audit.model.record import STANDARD_COLUMNS, Json, Record, columns, plain
from audit.model.run import Caller, MalformedItem, Run, RunState, Stats, UnitRecord
from audit.model.scope import Scope
from audit.model.verdict import Severity, Verdict
from audit.model.window import Window

__all__ = [
    "STANDARD_COLUMNS",
    "Caller",
    "Collected",
    "EvidenceKind",
    "Gap",
    "GapReason",
    "Json",
    "Level",
    "MalformedItem",
    "NotThere",
    "Outcome",
    "Page",
    "ReadFailed",
    "Record",
    "Row",
    "Run",
    "RunState",
    "Scope",
    "Severity",
    "Stats",
    "UnitRecord",
    "Verdict",
    "Window",
    "columns",
    "decode",
    "graph_rows",
    "listed",
    "plain",
    "raw_ref",
    "whole",
]
