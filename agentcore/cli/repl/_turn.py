"""One turn: the agent's events as lines, its draft and tokens as they come, and a stop that takes effect at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any

from agentcore.cli._console import print_text
from agentcore.cli._draft import DraftView
from agentcore.cli._render import answer_text, event_line, plain, sources_text

if TYPE_CHECKING:
    from rich.console import Console

    from agentcore.events import Event

__all__ = ["Turn"]


class Turn:
    """What a question leads to, shown while it happens.

    Parameters
    ----------
    console : Console
        Where answers go.
    aside : Console
        Where plan, tools and thinking go, dimmed.
    on_start : callable
        Told the run's id when it begins.
    """

    def __init__(self, console: Console, aside: Console, *, on_start: Callable[[str], None]) -> None:
        self._on_start = on_start
        self._console = console
        self._aside = aside
        self._streamed = ""
        self._draft = DraftView(aside)
        self.run_id: str | None = None
        self.lines: list[str] = []
        self.result: dict[str, Any] = {"status": "interrupted"}

    async def show(self, question: str, events: AsyncIterator[Event]) -> dict[str, Any]:
        """Show every event and return the result; cancelled, what was said so far is the result, marked."""
        try:
            async for event in events:
                self._show_event(event.type, event.path, event.data)
        except asyncio.CancelledError:
            self._interrupted(question)
        finally:
            self._draft.clear()
        return self.result

    def _show_event(self, kind: str, path: tuple[str, ...], data: Mapping[str, Any]) -> None:
        if kind == "run_started":
            self.run_id = str(data["run_id"])
            self._on_start(self.run_id)
        elif kind == "draft" and not path:
            self._draft.add(str(data["text"]), begins=bool(data["begins"]))
        elif kind == "token" and not path:
            self._draft.clear()
            self._stream(str(data.get("text", "")))
        elif kind == "run_finished":
            self._draft.clear()
            self.result = dict(data)
            self._finish()
        elif (line := event_line(kind, path, data)) is not None:
            self.lines.append(line)
            if kind == "tool_call":  # told by its result
                return
            self._end_stream_line()
            print_text(self._aside, line, style="dim")

    def _stream(self, text: str) -> None:
        """Print a piece of the answer as it comes."""
        shown = plain(text)
        self._streamed += shown
        print_text(self._console, shown, end="")

    def _end_stream_line(self) -> None:
        if self._streamed and not self._streamed.endswith("\n"):
            self._console.print()
            self._streamed += "\n"

    def _finish(self) -> None:
        """Print the answer and its sources, without what was streamed already."""
        self._end_stream_line()
        if "answer" not in self.result:  # the run failed: what it raises is told
            return
        told = self._streamed.strip()
        was_streamed = bool(told) and told in {
            self.result["answer"].strip(),
            self.result["statement"].strip(),
        }
        text = sources_text(self.result) if was_streamed else answer_text(self.result)
        print_text(self._console, text)

    def _interrupted(self, question: str) -> None:
        """Keep the partial answer, a draft where there is nothing better, and say that it is one."""
        self._draft.clear()
        if not self._streamed:
            self._stream(self._draft.text.strip())
        self._end_stream_line()
        print_text(self._console, "(interrupted)")
        if self.run_id:
            print_text(self._aside, f"`agentcore runs resume {self.run_id}` goes on", style="dim")
        self.result = {
            "status": "interrupted",
            "question": question,
            "run_id": self.run_id,
            "answer": (self._streamed.strip() + " (interrupted)").strip(),
        }
