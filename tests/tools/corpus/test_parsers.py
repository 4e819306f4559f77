"""Every format gives its words and its title; a file that cannot be read says why."""

from __future__ import annotations

import io
import json
import random

import docx
import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from agentcore.tools import UnreadableDocumentError
from agentcore.tools.corpus import supported_suffixes
from agentcore.tools.corpus.parsers import media_type_of, parse


def one(source: str, content: bytes) -> tuple[str, str]:
    [(name, parsed)] = parse(source, content)
    assert name == source
    assert parsed.title is not None
    return parsed.title, parsed.text


def pdf(*pages: str, title: str | None = None, password: str | None = None) -> bytes:
    """Write a PDF with one line of text a page."""
    writer = PdfWriter()
    for text in pages:
        page = writer.add_blank_page(300, 300)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        if text:
            stream = DecodedStreamObject()
            stream.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode())
            page[NameObject("/Contents")] = writer._add_object(stream)
    if title:
        writer.add_metadata({"/Title": title})
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def word_document(title: str = "") -> bytes:
    document = docx.Document()
    document.core_properties.title = title
    document.add_heading("The heading", level=1)
    document.add_paragraph("First paragraph.")
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "left", "right"
    document.add_paragraph("After the table.")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_plain_text_takes_a_first_line_set_off_as_title() -> None:
    """A short first line before an empty one is the title; otherwise the file's name is."""
    assert one("a.txt", b"The title\n\nThe text.") == ("The title", "The title\n\nThe text.")
    assert one("my_file-name.txt", b"A sentence at once.\n\nMore.")[0] == "my file name"
    assert one("C# in depth.txt", b"A sentence at once.\n\nMore.")[0] == "C# in depth"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read_alike(end: str) -> None:
    """Text written on Windows, or on an old Macintosh, has the same title and paragraphs."""
    assert one("a.txt", f"The title{end}{end}The text.".encode()) == ("The title", "The title\n\nThe text.")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_decoded_whatever_its_encoding(encoding: str) -> None:
    """A byte order mark, UTF-8 and Windows-1252 are all read."""
    assert one("a.txt", "Straße “quoted”".encode(encoding))[1] == "Straße “quoted”"


def test_markdown_loses_its_marks_and_keeps_its_words() -> None:
    """Headings, links, emphasis, lists, code and tables become plain lines."""
    source = (
        b"# The *title*\n\nSome **bold** [link](http://x.example/y) text\nover lines.\n\n- one\n- two\n  - inner\n\n"
        b"| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx = 1\n```\n\n![a picture](p.png)\n"
    )
    title, text = one("a.md", source)
    assert title == "The title"
    assert text.splitlines()[:4] == ["The title", "", "Some bold link text", "over lines."]
    assert "- one\n- two\n  - inner" in text
    assert "a | b\n1 | 2" in text and "x = 1" in text and "a picture" in text
    assert "**" not in text and "http" not in text


def test_front_matter_gives_the_title_and_is_no_text() -> None:
    """The title of a YAML head wins, and the head is not evidence."""
    title, text = one("a.md", b'---\ntitle: "From the head"\ndate: 2020\n---\n\n# Heading\n\nText.')
    assert title == "From the head" and "2020" not in text


def test_html_shows_what_a_reader_sees() -> None:
    """Menus, scripts and comments go; blocks are lines; a cell is set off."""
    page = (
        b"<html><head><title>The page</title><style>p{}</style></head><body><nav>Home</nav><main><h1>Head</h1>"
        b"<p>One <b>two</b>\n three<!-- no --></p><ul><li>a</li><li>b</li></ul><table><tr><td>1</td><td>2</td></tr>"
        b"</table><script>evil()</script></main><footer>legal</footer></body></html>"
    )
    title, text = one("a.html", page)
    assert title == "The page"
    assert text == "Head\n\nOne two three\n\na\nb\n\n1 | 2"


def test_pdf_pages_and_title() -> None:
    """Pages are apart, and the metadata names the document."""
    assert one("a.pdf", pdf("Page one.", "Page two.", title="The paper")) == (
        "The paper",
        "Page one.\n\nPage two.",
    )


def test_docx_keeps_paragraphs_and_tables_in_order() -> None:
    """A table's row is a line where it stands; the title is the property, else the first heading."""
    assert one("a.docx", word_document()) == (
        "The heading",
        "The heading\n\nFirst paragraph.\n\nleft | right\n\nAfter the table.",
    )
    assert one("a.docx", word_document("The property"))[0] == "The property"


def test_a_json_collection_is_a_document_an_entry() -> None:
    """Entries with a text are documents of their own, numbered; what else they say follows."""
    content = json.dumps(
        [{"title": "A", "text": "Alpha.", "year": 1999}, {"title": "B", "text": "Beta."}]
    ).encode()
    documents = parse("c.json", content)
    assert [(name, parsed.title, parsed.text) for name, parsed in documents] == [
        ("c.json#0", "A", "Alpha.\n\nyear: 1999"),
        ("c.json#1", "B", "Beta."),
    ]


def test_json_lines_are_read_line_by_line() -> None:
    """A .jsonl file is a collection."""
    assert len(parse("c.jsonl", b'{"text": "one"}\n\n{"text": "two"}\n')) == 2


def test_line_separators_inside_a_text_do_not_end_a_json_line() -> None:
    """JSON allows U+2028 and U+0085 within texts, and many writers leave them so."""
    content = '{"text": "one\u2028two\x85three"}\r\n{"text": "four"}\n'.encode()
    assert [parsed.text for _, parsed in parse("c.jsonl", content)] == ["one\u2028two\x85three", "four"]


def test_half_a_surrogate_pair_is_replaced() -> None:
    """JSON can escape what is no character; no store could keep it."""
    content = b'{"title": "half \\udc00", "text": "half \\ud83d pair"}'
    assert one("c.json", content) == ("half \ufffd", "half \ufffd pair")


def test_other_json_becomes_lines_of_path_and_value() -> None:
    """Any value can be found and cited."""
    assert one("c.json", b'{"name": "Thing", "size": {"width": [3, 4]}}') == (
        "Thing",
        "name: Thing\nsize.width[0]: 3\nsize.width[1]: 4",
    )


@pytest.mark.parametrize(
    ("source", "content", "reason"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b"  \n ", "empty"),
        ("a.txt", b"\x7fELF\x00\x00\x01", "binary"),
        ("a.md", b"", "empty"),
        ("a.html", b"", "empty"),
        ("a.html", b"<html><script>x</script></html>", "no text"),
        ("a.json", b"{", "no valid JSON at line 1"),
        ("a.json", b"{}", "no text"),
        ("a.json", b"[" * 100_000, "no valid JSON"),
        ("a.jsonl", b'{"text": "one"}\n{oops}', "no valid JSON at line 2"),
        ("a.json", b"9" * 5000, "no valid JSON"),
        ("a.pdf", b"%PDF-1.7 nothing", "damaged"),
        ("a.pdf", b"", "damaged"),
        ("a.docx", b"PK nothing", "damaged"),
        ("a.docx", b"", "damaged"),
        ("a.exe", b"MZ", "no parser"),
    ],
)
def test_what_cannot_be_read_says_why(source: str, content: bytes, reason: str) -> None:
    """Every unreadable file is one line with its name and the reason."""
    with pytest.raises(UnreadableDocumentError, match=reason) as caught:
        parse(source, content)
    assert str(caught.value).startswith(source) and "\n" not in str(caught.value)


def test_a_scanned_pdf_names_its_cure() -> None:
    """A PDF of pictures is told to be run through OCR."""
    with pytest.raises(UnreadableDocumentError, match="OCR"):
        parse("a.pdf", pdf(""))


def test_a_pdf_under_a_password_names_its_cure() -> None:
    """An encrypted PDF is told apart from a damaged one."""
    with pytest.raises(UnreadableDocumentError, match="password"):
        parse("a.pdf", pdf("Secret.", password="p"))


@pytest.mark.parametrize("source", ["a.pdf", "a.docx", "a.json", "a.html", "a.md", "a.txt"])
def test_damage_anywhere_is_an_error_of_ours_or_text(source: str) -> None:
    """Bytes flipped or cut at random never raise anything but an unreadable document."""
    whole = {
        "a.pdf": pdf("Page one.", "Page two."),
        "a.docx": word_document(),
        "a.json": b'[{"text": "one", "more": [1, 2, {"x": null}]}]',
        "a.html": b"<html><body><p>text<table><tr><td>x</html>",
        "a.md": b"# x\n\n- a\n\n| a |\n|---|\n| 1 |\n",
        "a.txt": "Straße\n\nText".encode(),
    }[source]
    generator = random.Random(7)
    for _ in range(60):
        spoiled = bytearray(whole[: generator.randrange(1, len(whole) + 1)])
        for _ in range(generator.randrange(8)):
            spoiled[generator.randrange(len(spoiled))] = generator.randrange(256)
        try:
            for _, parsed in parse(source, bytes(spoiled)):
                assert parsed.text
        except UnreadableDocumentError:
            pass


def test_every_supported_suffix_has_a_media_type() -> None:
    """The table of formats is complete, and case does not matter."""
    assert all(media_type_of(f"x{suffix}") for suffix in supported_suffixes())
    assert media_type_of("X.PDF") == "application/pdf" and media_type_of("x.exe") is None
