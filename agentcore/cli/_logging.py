"""Logging to stderr, as loud as asked for, without keys."""

from __future__ import annotations

import logging
import sys

__all__ = ["LEVELS", "start_logging"]

LEVELS = ("debug", "info", "warning", "error")


class _Redacting(logging.Formatter):
    """Formats a record, tracebacks included, and takes the keys out."""

    def format(self, record: logging.LogRecord) -> str:
        from agentcore.redaction import redacted

        return redacted(super().format(record))


def start_logging(level: str) -> None:
    """Write the log of this process, libraries included, to stderr from a level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
