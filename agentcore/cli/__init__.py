"""The `agentcore` command.

Each sub-command lives in a module of its own and is imported only when it is called, so that `--help` and
`--version` answer at once.
"""

from __future__ import annotations

from agentcore.cli._main import main

__all__ = ["main"]
