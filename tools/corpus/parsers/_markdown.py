"""Markdown: its words without its marks, through markdown-it (CommonMark)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from agentcore.tools.corpus.parsers._dispatch import Parsed
from agentcore.tools.corpus.parsers._text import decode

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*$", re.MULTILINE | re.IGNORECASE)


def read(source: str, content: bytes) -> list[tuple[str, Parsed]]:
    """Read a Markdown file; its title is that of the front matter, else the first heading."""
    text = decode(source, content).replace("\r\n", "\n")
    title = None
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :]
        if named := _FRONT_TITLE.search(front[1]):
            title = named[1].strip("'\"")
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [(source, Parsed(title or _first_heading(tokens), _blocks(tokens)))]


def _first_heading(tokens: Sequence[Token]) -> str | None:
    """Return the first level-one heading, else the first of any level."""
    headings = [
        (token.tag, _inline(tokens[index + 1]))
        for index, token in enumerate(tokens)
        if token.type == "heading_open"
    ]
    return next((text for tag, text in headings if tag == "h1"), headings[0][1] if headings else None)


def _blocks(tokens: Sequence[Token]) -> str:
    """Write each block as lines: paragraphs apart, list items and table rows on a line each."""
    parts: list[str] = []
    row: list[str] | None = None
    depth = 0
    for token in tokens:
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            depth += 1
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            depth -= 1
            parts.append("" if depth == 0 else "\n")
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close" and row is not None:
            parts.append(" | ".join(row) + "\n")
            row = None
        elif token.type == "table_close":
            parts.append("\n")
        elif token.type in {"fence", "code_block"}:
            parts.append(token.content.rstrip("\n") + "\n\n")
        elif token.type == "inline":
            line = _inline(token)
            if row is not None:
                row.append(line)
            elif depth:
                parts.append("  " * (depth - 1) + "- " + line + "\n")
            else:
                parts.append(line + "\n\n")
    return re.sub(r"\n{3,}", "\n\n", "".join(_close_lists(parts)))


def _close_lists(parts: list[str]) -> list[str]:
    """Put an empty line after each outermost list."""
    return ["\n" if part == "" else part for part in parts]


def _inline(token: Token) -> str:
    """Return the words of a run of text: link texts, code, alternative texts of images."""
    words = []
    for child in token.children or ():
        if child.type in {"text", "code_inline", "image"}:
            words.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            words.append("\n")
    return "".join(words).strip()
