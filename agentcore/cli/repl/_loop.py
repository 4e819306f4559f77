"""The loop: read a line, run it as a command or a turn, again."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from agentcore.cli._exit import ExitCode, message_of
from agentcore.cli._session import keep_settings
from agentcore.cli.repl._agent import AgentHolder
from agentcore.cli.repl._commands import run_command
from agentcore.cli.repl._keys import stop_keys
from agentcore.cli.repl._transcript import Transcript, new_conversation, open_conversation
from agentcore.cli.repl._turn import Turn

if TYPE_CHECKING:
    from agentcore.cli.repl._prompt import Prompt

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
        from rich.console import Console

        self.console = Console(highlight=False)
        self.aside = Console(stderr=True, highlight=False)
        self.agent = AgentHolder(options, self.say)
        self.conversations_folder: Path = self.agent.settings.runs.parent / "conversations"
        self.transcript: Transcript = new_conversation(self.conversations_folder)
        self.last_lines: list[str] = []
        self.has_stray_work = False
        self._is_leaving = False
        self._left_by_stop = False
        self._stop_turn: Callable[[], None] | None = None
        self._prompt: Prompt | None = None
        self._last_stop = float("-inf")
        self._former_handler: Any = signal.SIG_DFL
        if resume is not None:
            self.resume(resume)

    # -- what commands use ------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Print a line of ours, set off from answers."""
        self.aside.print(text, style="dim", markup=False, highlight=False, soft_wrap=True)

    def leave(self) -> None:
        """End the conversation after this line."""
        self._is_leaving = True

    def resume(self, name: str) -> None:
        """Go on with an earlier conversation and show its last turn."""
        found = open_conversation(self.conversations_folder, name)
        if found is None:
            self.say(f"no conversation {name!r}: /resume lists them")
            return
        self.transcript = found
        self.say(f"resumed {found.name}, {len(found.turns)} turns")
        if found.turns:
            last = found.turns[-1]
            self.say(f"> {last['question']}\n{last['result'].get('answer', '')}")

    # -- the two loops ----------------------------------------------------------------------------------------------

    async def run_terminal(self) -> int:
        """Talk over a terminal; return the exit code."""
        from agentcore.cli.repl._prompt import Prompt

        self._prompt = prompt = Prompt(self)
        self._watch_signals()
        try:
            while not self._is_leaving:
                try:
                    line = await prompt.read(on_shown=self.agent.warm_up)
                except EOFError:
                    return ExitCode.DONE
                except KeyboardInterrupt:
                    if self._is_second_stop():
                        return ExitCode.INTERRUPTED
                    self.say("Ctrl-C again or Ctrl-D leaves")
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
            while not self._is_leaving:
                line = await asyncio.to_thread(lines.readline)
                if not line:
                    break
                turn = await self.run_line(line, terminal=False)
                code = turn or code
                if turn is ExitCode.INTERRUPTED:
                    break
            return code
        finally:
            self._shut_down()

    async def run_line(self, line: str, *, terminal: bool) -> ExitCode:
        """Run one line: a command, or a turn."""
        text = line.strip()
        if not text:
            return ExitCode.DONE
        try:
            if text.startswith("/"):
                await asyncio.to_thread(run_command, self, text)
                return ExitCode.DONE
            return await self._run_turn(text, terminal=terminal)
        except Exception as exc:  # noqa: BLE001 -- the loop goes on, whatever a turn meets
            self.aside.print(
                f"error: {message_of(exc)}", style="red", markup=False, highlight=False, soft_wrap=True
            )
            return ExitCode.FAILED

    # -- one turn ---------------------------------------------------------------------------------------------------

    async def _run_turn(self, question: str, *, terminal: bool) -> ExitCode:
        """Run a question until its answer or a stop."""
        settings = self.agent.settings
        turn = Turn(self.console, self.aside, on_start=lambda run_id: keep_settings(settings, run_id))
        self._left_by_stop = False
        task = asyncio.ensure_future(self._answer(turn, question))

        def stop() -> None:
            if self._is_second_stop():
                self._left_by_stop = True
                self.leave()
            task.cancel()

        self._stop_turn = stop
        try:
            with stop_keys(stop) if terminal else nullcontext():
                result = await task
        except asyncio.CancelledError:  # stopped while the agent was being built
            self.console.print("(interrupted)", markup=False)
            result = {"status": "interrupted", "question": question, "answer": "(interrupted)"}
        finally:
            self._stop_turn = None
        self.has_stray_work |= result.get("status") == "interrupted"
        self.last_lines = turn.lines
        self.transcript.add(question, result)
        return _CODES.get(str(result.get("status")), ExitCode.DONE)

    async def _answer(self, turn: Turn, question: str) -> dict[str, Any]:
        """Build the agent if need be, and show its events."""
        from agentcore.cli._console import progress_bar

        with progress_bar("corpus", unit="files") as progress:
            agent = await asyncio.to_thread(self.agent.get, progress)
        return await turn.show(question, agent.astream(question, conversation=self.transcript.conversation()))

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
        if self._stop_turn is not None:
            self._stop_turn()
        elif self._prompt is not None and self._prompt.interrupt():
            return  # the prompt counts it
        elif self._is_second_stop():
            self._left_by_stop = True
            self.leave()

    def _shut_down(self) -> None:
        """Close what is open; a conversation that can be resumed is named."""
        signal.signal(signal.SIGINT, self._former_handler)
        if not self.has_stray_work:
            self.agent.close()
        if self.transcript.turns and self.console.is_terminal:
            self.say(f"agentcore repl --resume {self.transcript.name}")
