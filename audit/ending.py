"""How a command ends: the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

import typer

from audit.errors import ExitCode, JobauditError
from audit.terminal import Watch

CommandLineError: Any = typer.BadParameter.__mro__[2]
"""What typer raises for a wrong command line; it carries its own copy of click and doesn't export this class."""


class Telling:
    """How an error is told; the options of the command line set it."""

    debug = False
    log_format = "text"


def run(app: Callable[..., object]) -> None:
    """Run the command line and exit."""
    try:
        code = app(standalone_mode=False)
        if code == ExitCode.INTERRUPTED:  # typer turns Ctrl-C into this
            hint = "\n  what to do: `jobaudit resume RUN` goes on where this run stopped"
            _fail("interrupted; what is collected stays" + hint, ExitCode.INTERRUPTED)
        sys.exit(code if isinstance(code, int) else ExitCode.OK)
    except typer.Abort:
        _fail("interrupted", ExitCode.INTERRUPTED)
    except CommandLineError as error:
        _fail(f"{error.format_message()}\n  what to do: `jobaudit --help` lists the verbs and options", ExitCode.USAGE)
    except JobauditError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        sys.exit(ExitCode.OK)
    except OSError as error:
        hint = "\n  what to do: see that the folder can be written and has space, then try again"
        _fail(f"the system refused: {error}{hint}", ExitCode.USAGE)
    except Exception as error:  # noqa: BLE001  the top: a defect of ours ends as a message too
        hint = "\n  what to do: this is a defect of jobaudit; `jobaudit --debug …` shows where, please report it"
        _fail(f"{type(error).__name__}: {error}{hint}", ExitCode.USAGE)


def _fail(text: str, code: ExitCode) -> None:
    if Telling.debug:
        traceback.print_exc()
    Watch(log_format=Telling.log_format).error(text)
    sys.exit(code)
