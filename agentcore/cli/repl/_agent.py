"""The conversation's agent: loaded in the background, rebuilt when a setting changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentcore import Agent
    from agentcore.config import Settings

__all__ = ["AgentHolder"]

Progress = Callable[[str, int, int | None], None]


class AgentHolder:
    """One agent at a time, made of the settings that hold now.

    Parameters
    ----------
    options : dict
        The command line's options; those not given are None.
    say : callable
        Told lines for the user.
    """

    def __init__(self, options: dict[str, Any], say: Callable[[str], None]) -> None:
        from agentcore.cli._session import settings_from

        self._options = options
        self._say = say
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._agent: Agent | None = None
        self._warm_up = threading.Thread(target=_load_heavy, name="warm-up", daemon=True)
        self.settings: Settings = settings_from(options)

    def warm_up(self) -> None:
        """Load what the first turn needs, in a thread that holds nothing up."""
        self._warm_up.start()

    @property
    def is_warming_up(self) -> bool:
        """Whether that thread is at work: native code that it loads may not survive an orderly end of Python."""
        return self._warm_up.is_alive()

    def get(self, progress: Progress) -> Agent:
        """Return the agent, building it if there is none for the settings."""
        from agentcore.cli._session import open_agent

        with self._lock:
            if self._agent is None:
                self._agent = self._stack.enter_context(
                    open_agent(self.settings, progress=progress, say=self._say)
                )
            return self._agent

    def change(self, **options: Any) -> None:
        """Take other settings; the agent is built of them at the next turn.

        Raises
        ------
        ConfigurationError
            A value does not fit; the settings stay as they were.
        """
        from agentcore.cli._session import settings_from

        changed = {**self._options, **options}
        settings = settings_from(changed)
        with self._lock:
            self._options, self.settings = changed, settings
            self._close()

    def close(self) -> None:
        """Close the agent and what it opened."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        self._agent = None
        self._stack.close()


def _load_heavy() -> None:
    """Import the runtime and load the compiled loops of searches; an absence is told by the turn that needs it."""
    try:
        import agentcore.agent
        import agentcore.corpus  # noqa: F401
        from agentcore.memory import SwiftMem
        from agentcore.memory.embedding import HashEmbedder
    except ImportError:
        return
    with SwiftMem(None, embedder=HashEmbedder(), progress=_tell_nobody) as memory:
        memory.add("warm")
        memory.search("warm")


def _tell_nobody(stage: str, done: int, total: int | None) -> None:
    """Draw nothing: the prompt is on the screen."""
