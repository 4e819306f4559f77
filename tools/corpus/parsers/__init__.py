"""One parser a format: bytes in, titles and texts out.

A parser is imported when the first file of its format is met.
"""

from __future__ import annotations

from agentcore.tools.corpus.parsers._dispatch import SUPPORTED_SUFFIXES, Parsed, media_type_of, parse

__all__ = ["SUPPORTED_SUFFIXES", "Parsed", "media_type_of", "parse"]
