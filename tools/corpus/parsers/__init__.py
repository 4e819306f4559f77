"""One parser a format: bytes in, titles and texts out.

A parser is imported when the first file of its format is met.
"""

from __future__ import annotations

from agentcore.tools.corpus.parsers._dispatch import Parsed, media_type_of, parse, supported_suffixes

__all__ = ["Parsed", "media_type_of", "parse", "supported_suffixes"]
