"""The root command: what `agentcore` alone, `--help` and `--version` do, and the way out of every command."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click

from agentcore.cli._exit import ExitCode, message_of, report
from agentcore.cli._lazy import LazyCommand, LazyGroup
from agentcore.cli._logging import LEVELS, start_logging

_COMMANDS = {
    "ask": LazyCommand(
        "agentcore.cli.ask", "ask", "Answer a question from documents and memory, with citations."
    ),
    "repl": LazyCommand("agentcore.cli.repl", "repl", "Talk to an agent that remembers."),
    "memory": LazyCommand("agentcore.cli.memory", "memory", "Add, search, list and move memories."),
    "bench": LazyCommand("agentcore.cli.bench", "bench", "Measure memory, decoding, trimming and the agent."),
    "runs": LazyCommand("agentcore.cli.runs", "runs", "List, show, go on with and fork runs."),
    "models": LazyCommand("agentcore.cli.models", "models", "List, pull, locate and remove models."),
    "config": LazyCommand(
        "agentcore.cli.config", "config", "Show the settings in use, and where each comes from."
    ),
    "doctor": LazyCommand("agentcore.cli.doctor", "doctor", "Check this installation and name the cures."),
}


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    """Print the version and leave."""
    if value and not ctx.resilient_parsing:
        from agentcore import __version__

        click.echo(f"agentcore {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, lazy=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Show the version."
)
@click.option(
    "--log-level",
    type=click.Choice(LEVELS, case_sensitive=False),
    envvar="AGENTCORE_LOG_LEVEL",
    help="Write a log to stderr, from this level on; keys are taken out.",
)
def cli(log_level: str | None) -> None:
    """Research agents with memory and cheap local models.

    Answers go to stdout, progress and thinking to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage,
    3 partial result (a limit was reached), 124 not even a partial answer in time, 130 interrupted.
    """
    if log_level is not None:
        start_logging(log_level)


def _wants_json(args: Sequence[str]) -> bool:
    """Tell whether a script reads what is printed, and should get a failure as it gets a result."""
    options = args[: args.index("--")] if "--" in args else args
    return "--json" in options


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit the process with its code.

    Parameters
    ----------
    args : sequence of str, optional
        The arguments; by default those of the process.
    """
    stdout = sys.stdout
    try:
        result = cli.main(args=args, prog_name="agentcore", standalone_mode=False)
        code = int(result) if isinstance(result, int) else ExitCode.DONE
    except (BrokenPipeError, SystemExit) as exc:
        # The reader of a pipe left (`| head`): nothing more to say, and nothing to say it to. click hides that, puts another
        # stdout in the place of ours and leaves with 1; with ours still there, it leaves for a reason of its own.
        if isinstance(exc, SystemExit) and sys.stdout is stdout:
            raise
        sys.stdout = None
        code = ExitCode.DONE
    except (Exception, KeyboardInterrupt) as exc:  # noqa: BLE001 -- the outermost edge: every error becomes one line
        code = report(exc)
        if _wants_json(sys.argv[1:] if args is None else args) and code is not ExitCode.DONE:
            status = "interrupted" if code is ExitCode.INTERRUPTED else "failed"
            click.echo(json.dumps({"status": status, "error": message_of(exc)}, ensure_ascii=False))
    sys.exit(int(code))
