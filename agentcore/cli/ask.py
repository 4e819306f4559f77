"""`agentcore ask`: one question, one cited answer."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentcore.cli._exit import ExitCode, exit_code_of, message_of, report
from agentcore.cli._session import open_agent, session_options, settings_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentcore.events import Event

LONGEST_QUESTION = 20_000
GRACE_S = 10.0
_CODES = {
    "done": ExitCode.DONE,
    "not_found": ExitCode.DONE,
    "partial": ExitCode.PARTIAL,
    "interrupted": ExitCode.INTERRUPTED,
}


@click.command()
@click.argument("question", nargs=-1)
@session_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def ask(question: tuple[str, ...], as_json: bool, quiet: bool, **options: Any) -> int:
    """Answer a question from documents and memory, with citations.

    It comes from a folder of documents and from memory, with citations.

    QUESTION may be `-` for stdin or `@file` for a file's content. The answer goes to stdout, progress and thinking
    to stderr.
    """
    started = time.monotonic()
    text = read_question(question)
    settings = settings_from(options)
    try:
        with _deadline(settings.max_seconds):
            result = _run(text, settings, quiet=quiet, started=started)
    except click.UsageError:
        raise
    except Exception as exc:
        if not as_json:
            raise
        # Scripts that read JSON get the failure as JSON too; people get it on stderr.
        report(exc)
        click.echo(
            json.dumps({"status": "failed", "question": text, "error": message_of(exc)}, ensure_ascii=False)
        )
        return exit_code_of(exc)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        from agentcore.cli._render import answer_text

        click.echo(answer_text(result))
    if result.get("error"):
        click.echo(f"error: {result['error']}", err=True)
    return _CODES.get(str(result.get("status")), ExitCode.FAILED)


def read_question(words: tuple[str, ...]) -> str:
    """Return the question: the words, stdin for `-` or when nothing is said and something is piped, a file for `@file`.

    Raises
    ------
    UsageError
        There is none, it cannot be read, or it is too long.
    """
    text = " ".join(words)
    try:
        if text == "-" or (not words and not sys.stdin.isatty()):
            text = sys.stdin.read(LONGEST_QUESTION + 1)
        elif len(words) == 1 and text.startswith("@"):
            with Path(text[1:]).expanduser().open(encoding="utf-8") as file:
                text = file.read(LONGEST_QUESTION + 1)
    except OSError as exc:
        raise click.UsageError(f"{text[1:]!r} cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise click.UsageError("the question is no UTF-8 text: convert it") from exc
    if not text.strip():
        raise click.UsageError('no question: agentcore ask "…", or pipe one in')
    if len(text) > LONGEST_QUESTION:
        raise click.UsageError(
            f"the question is longer than {LONGEST_QUESTION} characters: put the long part into a file below --corpus"
        )
    return text.strip()


def _run(text: str, settings: Any, *, quiet: bool, started: float) -> dict[str, Any]:
    """Answer one question, drawing progress on stderr."""
    from agentcore.cli._console import progress_bar, stderr_console
    from agentcore.cli._render import event_line

    console = stderr_console()

    def say(line: str) -> None:
        console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)

    def show(event: Event) -> None:
        line = event_line(event.type, event.path, event.data)
        if line is not None and not quiet:
            say(line)

    with (
        progress_bar("corpus", unit="files", quiet=quiet) as progress,
        open_agent(settings, progress=progress, say=say, started=started) as agent,
    ):
        result: dict[str, Any] = agent.run(text, on_event=show).as_dict()
    return result


@contextmanager
def _deadline(max_seconds: float | None) -> Iterator[None]:
    """End the process with 124 when even the partial answer is not there `GRACE_S` after the limit."""
    if max_seconds is None:
        yield
        return

    def give_up() -> None:
        sys.stderr.write(
            f"error: no answer within {max_seconds:g} s and {GRACE_S:g} s more: raise --max-seconds\n"
        )
        sys.stderr.flush()
        os._exit(ExitCode.TIMEOUT)

    timer = threading.Timer(max_seconds + GRACE_S, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
