"""The `repl` command: terminal or pipe."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click

from agentcore.cli._session import session_options


@click.command()
@session_options
@click.option(
    "--resume", "resume", metavar="ID", help="Go on with an earlier conversation (`last`: the latest)."
)
def repl(resume: str | None, **options: Any) -> int:
    r"""Talk to an agent that remembers.

    \b
    Enter          send                Ctrl-C, typing    clear the line
    Alt-Enter      new line            Ctrl-C, running   stop the turn, keep what is there
    Tab            complete            Ctrl-C twice      leave (130)
    Up, Ctrl-R     history             Ctrl-D, empty     leave (0)
    Esc, running   stop the turn       /help             the commands
    """
    from agentcore.cli.repl._loop import Repl

    conversation = Repl(options, resume=resume)
    if sys.stdin.isatty() and sys.stdout.isatty():
        return asyncio.run(conversation.run_terminal())
    return asyncio.run(conversation.run_pipe(sys.stdin))
