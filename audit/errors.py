"""The exception family, and the exit codes that people's scripts rely on.

::

    JobauditError                  exit 2   anything that a person can mend; says what, where and what to do
    ├── ConfigError                exit 2   a file of the user's (audit.toml, a control, a template) is wrong
    ├── UsageError                 exit 2   a command was asked for something it can't do
    ├── EngineError                exit 2   ``controls test``: a control can't be run, or answers wrongly
    ├── StoreError                 exit 2   the output folder can't be written, is locked or is full
    ├── IntegrityError             exit 4   what is stored isn't what was stored: a run or pack was damaged
    ├── AzureUnreachable           exit 5   no connection to the cloud's endpoints
    │   └── SignInFailed           exit 5   a connection, but no token
    └── TimestampFailed            exit 5   the timestamp authority can't be reached, or refuses

A read that failed is none of these: at the collection seam a failure is a value
(:class:`audit.model.Gap`), never an exception that ends the run.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process answers. Where several apply: 130, 2, 5, 4, 3, 1."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    INTEGRITY = 4
    UNREACHABLE = 5
    INTERRUPTED = 130


class JobauditError(Exception):
    """An error that a person can mend.

    ``message`` says what is wrong, ``where`` the file and key (or the address), ``hint`` what to do.
    """

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """Return the message with its place and its remedy, a line each."""
        lines = [self.message]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.hint:
            lines.append(f"  what to do: {self.hint}")
        return "\n".join(lines)


class ConfigError(JobauditError):
    """A file of the user's is wrong: audit.toml, jobs.toml, a control, a template."""


class UsageError(JobauditError):
    """A command was asked for something that it can't do."""


class EngineError(JobauditError):
    """A control broke the engine's contract: one row per subject, verdicts from the four words."""


class StoreError(JobauditError):
    """The output folder can't be written, is locked by another run, or is full."""


class IntegrityError(JobauditError):
    """Stored evidence is damaged or was altered."""

    exit_code = ExitCode.INTEGRITY


class AzureUnreachable(JobauditError):
    """No connection to the cloud's endpoints."""

    exit_code = ExitCode.UNREACHABLE


class SignInFailed(AzureUnreachable):
    """A connection, but no token for the configured credential."""


class TimestampFailed(JobauditError):
    """The timestamp authority can't be reached, or gives no timestamp."""

    exit_code = ExitCode.UNREACHABLE
