"""The loop: read a line, run it as a command or a turn, again."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TextIO

import click

from agentcore.cli._console import print_text, progress_bar
from agentcore.cli._exit import ExitCode, message_of
from agentcore.cli._session import keep_settings
from agentcore.cli._text import require_utf8
from agentcore.cli.repl._commands import COMMANDS, run_command
from agentcore.cli.repl._courtesy import courtesy
from agentcore.cli.repl._keys import stop_keys
from agentcore.cli.repl._prompt import Prompt
from agentcore.cli.repl._state import ReplState
from agentcore.cli.repl._turn import Turn

__all__ = ["Repl"]

TWICE_S = 2.0
_CODES = {"failed": ExitCode.FAILED, "partial": ExitCode.PARTIAL, "interrupted": ExitCode.INTERRUPTED}


class Repl:
    """A conversation with an agent.

    Parameters
    ----------
    options : dict
        The command line's options; those not given are None.
    resume : str, optional
        The conversation to go on with.
    """

    def __init__(self, options: dict[str, Any], *, resume: str | None = None) -> None:
        self._state = ReplState(options)
        self.has_stray_work = False
        self._left_by_stop = False
        self._stop: Callable[[], object] | None = None
        self._prompt: Prompt | None = None
        self._last_stop = float("-inf")
        self._former_handler: Any = signal.SIG_DFL
        if resume is not None and not self._state.resume(resume):
            raise click.BadParameter("there is no such conversation: start without it", param_hint="--resume")

    # -- the two loops ----------------------------------------------------------------------------------------------

    async def run_terminal(self) -> int:
        """Talk over a terminal; return the exit code."""
        self._prompt = prompt = Prompt(
            self._state.conversations_folder.parent / "history",
            commands={name: command.help for name, command in COMMANDS.items()},
            status=self._state.status,
        )
        self._watch_signals()
        try:
            while not self._state.is_leaving:
                try:
                    line = await prompt.read(on_shown=self._state.agent.warm_up)
                except EOFError:
                    return ExitCode.DONE
                except KeyboardInterrupt:
                    if self._is_second_stop():
                        return ExitCode.INTERRUPTED
                    self._state.say("Ctrl-C again or Ctrl-D leaves")
                    continue
                await self.run_line(line, terminal=True)
            return ExitCode.INTERRUPTED if self._left_by_stop else ExitCode.DONE
        finally:
            self._shut_down()

    async def run_pipe(self, lines: TextIO) -> int:
        """Answer each line of a pipe; return the code of the last turn that did not simply succeed."""
        code = ExitCode.DONE
        self._watch_signals()
        try:
            while not self._state.is_leaving:
                reading = asyncio.ensure_future(asyncio.to_thread(lines.readline))
                self._stop = reading.cancel
                try:
                    line = await reading
                except asyncio.CancelledError:  # the thread still waits for its line
                    self.has_stray_work = self._left_by_stop = True
                    break
                finally:
                    self._stop = None
                if not line:
                    break
                turn = await self.run_line(line, terminal=False)
                code = turn or code
                if turn is ExitCode.INTERRUPTED:
                    break
            return ExitCode.INTERRUPTED if self._left_by_stop else code
        finally:
            self._shut_down()

    async def run_line(self, line: str, *, terminal: bool) -> ExitCode:
        """Run one line: a command, or a turn."""
        text = line.strip()
        if not text:
            return ExitCode.DONE
        try:
            require_utf8(text, "line")
            if text.startswith("/"):
                await asyncio.to_thread(run_command, self._state, text)
                return ExitCode.DONE
            reply = courtesy(text, has_corpus=self._state.agent.settings.corpus is not None)
            if reply is not None:
                print_text(self._state.console, reply)
                return ExitCode.DONE
            return await self._run_turn(text, terminal=terminal)
        except Exception as exc:  # noqa: BLE001 -- the loop goes on, whatever a turn meets
            print_text(self._state.aside, f"error: {message_of(exc)}", style="red")
            return ExitCode.FAILED

    # -- one turn ---------------------------------------------------------------------------------------------------

    async def _run_turn(self, question: str, *, terminal: bool) -> ExitCode:
        """Run a question until its answer or a stop."""
        state, settings = self._state, self._state.agent.settings
        turn = Turn(state.console, state.aside, on_start=lambda run_id: keep_settings(settings, run_id))
        self._left_by_stop = False
        task = asyncio.ensure_future(self._answer(turn, question))

        def stop() -> None:
            if self._is_second_stop():
                self._left_by_stop = True
                state.is_leaving = True
            task.cancel()

        self._stop = stop
        try:
            with stop_keys(stop) if terminal else nullcontext():
                result = await task
        except asyncio.CancelledError:  # stopped while the agent was being built
            print_text(state.console, "(interrupted)")
            result = {"status": "interrupted", "question": question, "answer": "(interrupted)"}
        finally:
            self._stop = None
        self.has_stray_work |= result.get("status") == "interrupted"
        state.last_lines = turn.lines
        state.transcript.add(question, result)
        return _CODES.get(str(result.get("status")), ExitCode.DONE)

    async def _answer(self, turn: Turn, question: str) -> dict[str, Any]:
        """Build the agent if need be, and show its events."""
        with progress_bar("corpus", unit="files") as progress:
            agent = await asyncio.to_thread(self._state.agent.get, progress)
        turns = self._state.transcript.conversation()
        return await turn.show(question, agent.astream(question, conversation=turns))

    def _is_second_stop(self) -> bool:
        """Tell whether this stop follows another within `TWICE_S` seconds."""
        now = time.monotonic()
        is_second = now - self._last_stop <= TWICE_S
        self._last_stop = now
        return is_second

    def _watch_signals(self) -> None:
        """Handle SIGINT in the loop; prompt_toolkit puts this handler back after each prompt, one of the loop's it would not."""
        loop = asyncio.get_running_loop()
        self._former_handler = signal.signal(
            signal.SIGINT, lambda *_: loop.call_soon_threadsafe(self._on_signal)
        )

    def _on_signal(self) -> None:
        """Take SIGINT between two prompts, in a pipe, or from elsewhere, as Ctrl-C."""
        if self._stop is not None:
            self._stop()
        elif self._prompt is not None and self._prompt.interrupt():
            return  # the prompt counts it
        elif self._prompt is None or self._is_second_stop():
            self._left_by_stop = True
            self._state.is_leaving = True

    def _shut_down(self) -> None:
        """Close what is open; a conversation that can be resumed is named."""
        state = self._state
        signal.signal(signal.SIGINT, self._former_handler)
        if not self.has_stray_work:
            state.agent.close()
        self.has_stray_work |= state.agent.is_warming_up
        if state.transcript.turns and state.console.is_terminal:
            state.say(f"agentcore repl --resume {state.transcript.name}")
