"""Exit codes, and how an error becomes one line on stderr and one of them."""

from __future__ import annotations

import errno
import os
import sys
from enum import IntEnum
from typing import NoReturn

import click

DEBUG_VARIABLE = "AGENTCORE_DEBUG"


class ExitCode(IntEnum):
    """What the process tells its caller."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    TIMEOUT = 124
    INTERRUPTED = 130


def report(error: BaseException) -> ExitCode:
    """Write an error's one line to stderr and return its exit code.

    With ``AGENTCORE_DEBUG=1`` the traceback is written too.
    """
    if os.environ.get(DEBUG_VARIABLE):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, click.exceptions.Exit):
        return ExitCode(error.exit_code)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
    else:
        click.echo(f"error: {message_of(error)}", err=True)
    return exit_code_of(error)


def exit_code_of(error: BaseException) -> ExitCode:
    """Tell a caller's mistake (2) from a failure (1)."""
    if isinstance(error, click.UsageError):
        return ExitCode.USAGE
    is_callers = isinstance(error, (ValueError, KeyError)) and _is_ours(error)
    return ExitCode.USAGE if is_callers and not hasattr(error, "extra") else ExitCode.FAILED


def message_of(error: BaseException) -> str:
    """Return what went wrong and what to do about it, in one line."""
    if isinstance(error, click.UsageError):
        hint = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
        text = error.format_message() + hint
    elif isinstance(error, click.ClickException):
        text = error.format_message()
    elif isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        where = f" for {error.filename}" if error.filename else ""
        text = f"no space left on the disk{where}: free some, or choose another place"
    elif isinstance(error, OSError):
        text = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
    elif _is_ours(error):
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error} (unexpected: set {DEBUG_VARIABLE}=1 for the traceback)"
    return " ".join(text.split())


def leave_now(code: int) -> NoReturn:
    """End the process without waiting for threads that cannot be stopped.

    What they were writing is safe: memory and runs survive the death of the process at any point.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)


def _is_ours(error: BaseException) -> bool:
    """Tell an error that AgentCore raises on purpose."""
    return type(error).__module__.split(".")[0] == "agentcore"
