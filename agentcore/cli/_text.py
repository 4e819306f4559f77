"""What a person or a pipe hands over as text, and may be none."""

from __future__ import annotations

import click

__all__ = ["require_utf8"]


def require_utf8(text: str, what: str) -> None:
    """Refuse text with bytes that are no UTF-8, which arrive as halves of surrogate pairs.

    Raises
    ------
    UsageError
        There are some.
    """
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise click.UsageError(f"the {what} is no UTF-8 text: convert it") from exc
