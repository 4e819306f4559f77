"""`agentcore repl`: a conversation in the terminal.

Lines are printed and never cleared: the terminal's own scrollback keeps everything. The agent and its libraries are
loaded in the background once the first prompt is on the screen.
"""

from __future__ import annotations

from agentcore.cli.repl._command import repl

__all__ = ["repl"]
