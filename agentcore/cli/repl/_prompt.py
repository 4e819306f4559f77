"""The input line: history, several lines, paste, completion, a status line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output.plain_text import PlainTextOutput
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.utils import is_dumb_terminal

__all__ = ["Prompt"]


class Prompt:
    """Reads the user's lines from a terminal.

    Parameters
    ----------
    history : Path
        Where lines are kept for the next start, readable by their owner only.
    commands : mapping of str to str
        The names that complete after a slash, each with its help.
    status : callable
        Returns what the status line shows.
    """

    def __init__(self, history: Path, *, commands: Mapping[str, str], status: Callable[[], str]) -> None:
        history.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        history.touch(mode=0o600)
        is_dumb = is_dumb_terminal()
        # prompt_toolkit's own output would still send a dumb terminal the sequence that shows a cursor.
        with create_app_session(output=PlainTextOutput(sys.stdout)) if is_dumb else nullcontext():
            self._session: PromptSession[str] = PromptSession(
                history=FileHistory(history),
                completer=_SlashCompleter(commands),
                complete_while_typing=False,
                complete_style=CompleteStyle.READLINE_LIKE,
                key_bindings=_bindings(),
                multiline=True,
                prompt_continuation=lambda width, number, wrapped: "." * (width - 1) + " ",  # noqa: ARG005
                bottom_toolbar=None if is_dumb else lambda: f" {status()} | /help",
                enable_open_in_editor=True,
                reserve_space_for_menu=0,
            )
        self._was_shown = False

    async def read(self, *, on_shown: Callable[[], None]) -> str:
        """Return the next line.

        Parameters
        ----------
        on_shown : callable
            Called once, when the first prompt is on the screen.

        Raises
        ------
        EOFError
            Ctrl-D on an empty line.
        KeyboardInterrupt
            Ctrl-C on an empty line.
        """

        def pre_run() -> None:
            if not self._was_shown:
                self._was_shown = True
                self._session.app.after_render += _once(on_shown)

        return await self._session.prompt_async("> ", pre_run=pre_run)

    def interrupt(self) -> bool:
        """Take a SIGINT that arrived just before the prompt as Ctrl-C on it; False when no prompt is open."""
        if not self._session.app.is_running:
            return False
        self._session.app.exit(exception=KeyboardInterrupt, style="class:aborting")
        return True


class _SlashCompleter(Completer):
    """Completes command names, and folders after `/corpus`."""

    def __init__(self, commands: Mapping[str, str]) -> None:
        self._commands = commands
        self._folders = PathCompleter(only_directories=True, expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield what the text before the cursor may become."""
        text = document.text_before_cursor
        if text.startswith("/corpus "):
            rest = Document(text.removeprefix("/corpus "))
            yield from self._folders.get_completions(rest, complete_event)
        elif text.startswith("/") and " " not in text:
            for name, meaning in self._commands.items():
                if name.startswith(text[1:]):
                    yield Completion(name, start_position=1 - len(text), display_meta=meaning)


def _bindings() -> KeyBindings:
    """Enter sends, Alt-Enter begins a line, Ctrl-C clears a line that holds text and keeps it in the history."""
    bindings = KeyBindings()

    @bindings.add("enter")
    def _send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.text_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @bindings.add("c-c")
    def _clear(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.text:
            buffer.append_to_history()
            buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt, style="class:aborting")

    return bindings


def _once(call: Callable[[], None]) -> Callable[[object], None]:
    """Return a handler that calls at its first event only."""
    done = False

    def handler(_: object) -> None:
        nonlocal done
        if not done:
            done = True
            call()

    return handler
