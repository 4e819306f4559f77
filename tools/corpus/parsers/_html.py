"""HTML: the text a reader sees, through BeautifulSoup and lxml."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PageElement, PreformattedString

from agentcore.tools.corpus.parsers._dispatch import Parsed
from agentcore.tools.errors import UnreadableDocumentError

_UNSEEN = (
    "script",
    "style",
    "noscript",
    "template",
    "head",
    "nav",
    "footer",
    "aside",
    "form",
    "svg",
    "iframe",
    "button",
)
_PARAGRAPHS = frozenset(
    (
        "article",
        "blockquote",
        "div",
        "dl",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "ul",
    )
)
_LINES = frozenset(
    ("address", "br", "dd", "dt", "fieldset", "figcaption", "hr", "li", "tbody", "thead", "tr")
)


def read(source: str, content: bytes) -> list[tuple[str, Parsed]]:
    """Read a page: its title element or first heading, and its visible text, paragraphs apart."""
    if not content.strip():
        raise UnreadableDocumentError(source, "the file is empty")
    soup = BeautifulSoup(content, "lxml")
    heading = soup.find("h1")
    title = soup.title.get_text(" ", strip=True) if soup.title else None
    if not title and isinstance(heading, Tag):
        title = heading.get_text(" ", strip=True)
    for tag in soup.find_all(_UNSEEN):
        tag.decompose()
    # A page that marks its main part says itself what is menu and what is content.
    main = soup.find("main") or soup.find("article") or soup.body or soup
    pieces: list[str] = []
    if isinstance(main, Tag):
        _write(main, pieces)
    text = re.sub(r"[ \t\xa0]+", " ", "".join(pieces))
    text = re.sub(r" ?\n ?", "\n", text)
    return [(source, Parsed(title, re.sub(r"\n{3,}", "\n\n", text)))]


def _write(root: Tag, pieces: list[str]) -> None:
    """Append the text below a tag, with line ends where a browser starts a new line."""
    stack: list[PageElement | _Literal] = [root]
    while stack:  # no recursion: pages nest as deep as they like
        node = stack.pop()
        if isinstance(node, _Literal):
            pieces.append(node.text)
        elif isinstance(node, Tag):
            stack.append(_Literal(_end_of(node)))
            stack.extend(reversed(list(node.children)))
            stack.append(_Literal("\n" if node.name in _PARAGRAPHS else ""))
        elif isinstance(node, NavigableString) and not isinstance(
            node, PreformattedString
        ):  # no comments, no doctype
            is_verbatim = node.find_parent("pre") is not None
            pieces.append(str(node) if is_verbatim else re.sub(r"\s+", " ", node))


def _end_of(tag: Tag) -> str:
    """Return what separates a tag's text from what follows."""
    if tag.name in {"td", "th"}:
        return " | " if tag.find_next_sibling(["td", "th"]) else ""
    if tag.name in _PARAGRAPHS:
        return "\n\n"
    return "\n" if tag.name in _LINES else ""


@dataclass(frozen=True, slots=True)
class _Literal:
    """A separator of ours, not text of the page."""

    text: str
