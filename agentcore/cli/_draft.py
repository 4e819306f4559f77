"""The draft of an answer on the terminal: dim, in place, gone when the checked answer comes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from agentcore.cli._render import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

__all__ = ["DraftView"]

_ROWS_LEFT = 2  # for the line above and the cursor's own


class DraftView:
    """Shows the words of a draft as they come, where the terminal can take them away again.

    Parameters
    ----------
    console : Console
        Where to; lines printed there meanwhile stand above the draft. A pipe and a dumb terminal are shown nothing.

    Attributes
    ----------
    console : Console
        The same.
    text : str
        The draft so far, whether it is shown or not.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        self.text = ""

    def add(self, text: str, *, begins: bool) -> None:
        """Show some more words; those that begin a draft take the place of the one before."""
        self.text = plain(text) if begins else self.text + plain(text)
        if not self.console.is_terminal or self.console.is_dumb_terminal:
            return
        with self._lock:
            if not self._is_closed:
                self._show()

    def clear(self) -> None:
        """Take the draft off the screen."""
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._live = None

    def close(self) -> None:
        """Take the draft off the screen and show no other, whatever a thread that nobody waits for still tells."""
        self._is_closed = True
        self.clear()

    def _show(self) -> None:
        """Draw the draft over what was drawn of it before."""
        if self._live is None:
            from rich.live import Live

            self._live = Live(
                console=self.console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.update(self._end(), refresh=True)

    def _end(self) -> Text:
        """Return the last lines of the draft, as many as fit."""
        from rich.text import Text

        rows = max(1, self.console.height - _ROWS_LEFT)
        lines = Text(self.text.strip(), style="dim").wrap(self.console, self.console.width)
        return Text("\n").join(lines[-rows:])
