"""`agentcore ask`: one question, one cited answer."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from agentcore.background import Background, DeadlineError
from agentcore.cli._console import stderr_console
from agentcore.cli._draft import DraftView
from agentcore.cli._exit import ExitCode, leave_now, message_of, report
from agentcore.cli._session import keep_settings, open_agent, session_options, settings_from
from agentcore.cli._text import require_utf8

if TYPE_CHECKING:
    from agentcore.config import Settings
    from agentcore.events import Event

Call = Callable[..., Any]

LONGEST_QUESTION = 20_000
GRACE_S = 10.0
CODES = {
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

    QUESTION may be `-` for stdin or `@file` for a file's content. The answer goes to stdout, progress and thinking
    to stderr.
    """
    text = read_question(question)
    settings = settings_from(options)
    return execute(
        text, settings, lambda agent, **hooks: agent.run(text, **hooks), as_json=as_json, quiet=quiet
    )


def execute(question: str, settings: Settings, call: Call, *, as_json: bool, quiet: bool) -> ExitCode:
    """Run an agent to its answer, a limit or a stop, and print what came of it.

    Parameters
    ----------
    question : str
        What is asked, for the messages.
    settings : Settings
        What the agent is built of.
    call : callable
        Given the agent, `on_event` and `cancel`, runs it and returns its result.
    as_json, quiet : bool
        How to print the result, and whether to draw progress.
    """
    started = time.monotonic()
    cancel = threading.Event()
    run_ids: list[str] = []
    draft = DraftView(stderr_console())
    work = Background(
        lambda: _run(settings, call, draft, quiet=quiet, started=started, cancel=cancel, run_ids=run_ids)
    )
    try:
        result = work.wait(None if settings.max_seconds is None else settings.max_seconds + GRACE_S)
    except KeyboardInterrupt:
        cancel.set()
        draft.close()
        hint = f": `agentcore runs resume {run_ids[0]}` goes on" if run_ids else ""
        click.echo(f"interrupted{hint}", err=True)
        _give_up(ExitCode.INTERRUPTED, {"status": "interrupted", "question": question}, as_json=as_json)
    except DeadlineError:
        draft.close()
        late = f"no answer within {settings.max_seconds:g} s and {GRACE_S:g} s more: raise --max-seconds"
        click.echo(f"error: {late}", err=True)
        _give_up(ExitCode.TIMEOUT, {"status": "failed", "question": question, "error": late}, as_json=as_json)
    except Exception as exc:
        if not as_json:
            raise
        # Scripts that read JSON get the failure as JSON too; people get it on stderr.
        code = report(exc)
        failure = {"status": "failed", "question": question, "error": message_of(exc)}
        click.echo(json.dumps(failure, ensure_ascii=False))
        return code
    print_result(result, as_json=as_json)
    code = CODES.get(str(result.get("status")), ExitCode.FAILED)
    if result.get("limit") == "seconds":
        leave_now(code)  # the call that was given up at the limit may still wait for its model
    return code


def print_result(result: dict[str, Any], *, as_json: bool) -> None:
    """Print an answer for people or as one JSON document."""
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        from agentcore.cli._render import answer_text

        click.echo(answer_text(result))


def _give_up(code: ExitCode, document: dict[str, Any], *, as_json: bool) -> NoReturn:
    """Leave at once: the run's thread may wait for a model that cannot be stopped."""
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False))
    leave_now(code)


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
    require_utf8(text, "question")
    if not text.strip():
        raise click.UsageError('no question: agentcore ask "…", or pipe one in')
    if len(text) > LONGEST_QUESTION:
        raise click.UsageError(
            f"the question is longer than {LONGEST_QUESTION} characters: put the long part into a file below --corpus"
        )
    return text.strip()


def _run(
    settings: Settings,
    call: Call,
    draft: DraftView,
    *,
    quiet: bool,
    started: float,
    cancel: threading.Event,
    run_ids: list[str],
) -> dict[str, Any]:
    """Build the agent and run it, drawing progress on stderr."""
    from agentcore.cli._console import progress_bar
    from agentcore.cli._render import step_line

    console = draft.console

    def say(line: str) -> None:
        console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)

    def show(event: Event) -> None:
        if event.type == "run_started":
            run_ids.append(str(event.data["run_id"]))
            keep_settings(settings, run_ids[0])
        line = step_line(event.type, event.path, event.data)
        if quiet:
            return
        if event.type == "draft" and not event.path:
            draft.add(str(event.data["text"]), begins=bool(event.data["begins"]))
        elif event.type in {"answer", "run_finished"}:
            draft.clear()
        elif line is not None:
            say(line)

    with (
        progress_bar("corpus", unit="files", quiet=quiet) as progress,
        open_agent(settings, progress=progress, say=say, started=started) as agent,
    ):
        result: dict[str, Any] = call(agent, on_event=show, cancel=cancel).as_dict()
        return result
