"""Streaming text that ends at a stop string and never shows the beginning of one."""

from __future__ import annotations

from collections.abc import Sequence

from agentcore.decoding._tokenizer import Tokenizer

__all__ = ["StopText"]


class StopText:
    """Turns committed tokens into text that is certain to be shown.

    Parameters
    ----------
    tokenizer : Tokenizer
        The model's.
    stops : str or sequence of str
        Texts that end the output.
    """

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str] = ()) -> None:
        stops = (stops,) if isinstance(stops, str) else tuple(stops)
        if any(not stop for stop in stops):
            raise ValueError("a stop string must not be empty")
        self._stream = tokenizer.stream()
        self._stops = stops
        self._held = ""

    def push(self, token_id: int) -> tuple[str, bool]:
        """Return the text that may be shown now, and whether a stop string was reached."""
        self._held += self._stream.push(token_id)
        return self._release()

    def flush(self) -> str:
        """Return everything still held back, at the end of the output."""
        self._held += self._stream.flush()
        shown, stopped = self._release()
        rest, self._held = "" if stopped else self._held, ""
        return shown + rest

    def _release(self) -> tuple[str, bool]:
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            shown, self._held = self._held[: min(found)], ""
            return shown, True
        keep = max((_overlap(self._held, stop) for stop in self._stops), default=0)
        split = len(self._held) - keep
        shown, self._held = self._held[:split], self._held[split:]
        return shown, False


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
