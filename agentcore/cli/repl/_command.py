"""The `repl` command: terminal or pipe."""

from __future__ import annotations

import asyncio
import io
import sys
from typing import Any

import click

from agentcore.cli._exit import leave_now
from agentcore.cli._session import session_options

_HELP = """Talk to an agent that remembers, in the terminal or through a pipe.

\b
Enter          send                Ctrl-C, typing    clear the line
Alt-Enter      new line            Ctrl-C, running   stop the turn, keep what is there
Tab            complete            Ctrl-C twice      leave (130)
Up, Ctrl-R     history             Ctrl-D, empty     leave (0)
Esc, running   stop the turn       /help             the commands
"""


@click.command(help=_HELP)
@session_options
@click.option(
    "--resume", "resume", metavar="ID", help="Go on with an earlier conversation (`last`: the latest)."
)
def repl(resume: str | None, **options: Any) -> int:
    """Run the conversation over the terminal, or over a pipe when there is none."""
    from agentcore.cli.repl._loop import Repl

    conversation = Repl(options, resume=resume)
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not is_terminal and isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # bytes that are no text cost their own line only
    # Not asyncio.run, which waits for every thread at the end: a stopped turn may still wait for its model.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    code = loop.run_until_complete(
        conversation.run_terminal() if is_terminal else conversation.run_pipe(sys.stdin)
    )
    if conversation.has_stray_work:
        leave_now(code)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    return code
