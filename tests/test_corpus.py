"""The corpus over the real SwiftMem: hybrid search in a namespace of its own, kept in step with the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcore.corpus import CORPUS_USER, Corpus
from agentcore.memory import SwiftMem
from agentcore.memory.embedding import HashEmbedder
from agentcore.tools import CorpusNotFoundError, EmptyCorpusError, ToolRegistry


class CountingEmbedder(HashEmbedder):
    """The deterministic embedder, counting the texts that it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded = 0

    def encode(self, texts, **options):  # type: ignore[no-untyped-def]
        """Encode and count."""
        self.encoded += len(texts)
        return super().encode(texts, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "documents"
    root.mkdir()
    (root / "cats.md").write_text("# Cats\n\nThe cat sleeps on the red sofa.")
    (root / "bread.txt").write_text("Bread\n\nThe bakery opens at seven o'clock.")
    return root


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


def test_a_folder_is_searched_and_cited(folder: Path, tmp_path: Path, embedder: CountingEmbedder) -> None:
    """Each hit carries its place, its score and its signals, and the snapshot holds it there."""
    with Corpus.open(folder, tmp_path / "memory.db", embedder=embedder) as corpus:
        hit = corpus.search("when does the bakery open", 1)[0]
        assert (hit.source, hit.title, hit.text) == (
            "bread.txt",
            "Bread",
            "The bakery opens at seven o'clock.",
        )
        assert corpus.snapshot(hit.sha256)[hit.start : hit.end] == hit.text
        assert {"dense", "lexical"} <= set(hit.signals)
        assert set(corpus.titles) == {"Cats", "Bread"}
        assert corpus.read("cats.md", 6).strip() == "The cat sleeps on the red sofa."


def test_a_second_opening_embeds_nothing(folder: Path, tmp_path: Path, embedder: CountingEmbedder) -> None:
    """Unchanged files are not embedded again, and the index is found in the memory file."""
    Corpus.open(folder, tmp_path / "memory.db", embedder=embedder).close()
    embedder.encoded = 0
    with Corpus.open(folder, tmp_path / "memory.db", embedder=embedder) as corpus:
        assert embedder.encoded == 0 and corpus.report.unchanged == 2
        assert corpus.search("cat sofa", 1)[0].source == "cats.md"


def test_a_change_embeds_only_what_changed(folder: Path, tmp_path: Path, embedder: CountingEmbedder) -> None:
    """One changed and one removed file cost one document's passages; what is gone is not found."""
    Corpus.open(folder, tmp_path / "memory.db", embedder=embedder).close()
    embedder.encoded = 0
    (folder / "cats.md").write_text("# Cats\n\nThe cat now sleeps under the green table.")
    (folder / "bread.txt").unlink()
    with Corpus.open(folder, tmp_path / "memory.db", embedder=embedder) as corpus:
        assert embedder.encoded == 1
        assert (corpus.report.changed, corpus.report.removed) == (1, 1)
        assert [hit.text for hit in corpus.search("bakery cat sofa", 9)] == [
            "The cat now sleeps under the green table."
        ]


def test_documents_and_memories_do_not_meet(folder: Path, tmp_path: Path, embedder: CountingEmbedder) -> None:
    """Two corpora and a user in one file see only their own."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "dogs.txt").write_text("The dog sleeps on the red sofa.")
    with SwiftMem(tmp_path / "memory.db", embedder=embedder) as memory:
        memory.add("I bought a red sofa.")
        with (
            Corpus.open(folder, tmp_path / "memory.db", embedder=embedder) as cats,
            Corpus.open(other, tmp_path / "memory.db", embedder=embedder) as dogs,
        ):
            assert {hit.source for hit in cats.search("red sofa", 9)} == {"cats.md", "bread.txt"}
            assert {hit.source for hit in dogs.search("red sofa", 9)} == {"dogs.txt"}
            assert [hit.text for hit in memory.search("red sofa")] == ["I bought a red sofa."]
            assert len(memory.get_all(user_id=CORPUS_USER, namespace=None)) == 0


def test_a_year_in_the_question_hides_no_document(tmp_path: Path, embedder: CountingEmbedder) -> None:
    """Documents have no event time: a date in a query must not shut them out."""
    corpus = Corpus.from_passages(
        [("Film", "The film was released in 1994."), ("Sea", "The sea is salty.")], embedder=embedder
    )
    with corpus:
        assert len(corpus.search("Which film was released in 1994?", 9)) == 2
        assert corpus.search("Which film was released in 1994?", 1)[0].title == "Film"


def test_passages_of_one_title_are_told_apart(embedder: CountingEmbedder) -> None:
    """A repeated title gets a number, and each passage keeps its own snapshot."""
    with Corpus.from_passages(
        [("A", "one thing"), ("A", "another matter"), ("B", "one thing")], embedder=embedder
    ) as corpus:
        assert corpus.sources == ("A", "A#2", "B") and corpus.titles == ("A", "B")
        assert {hit.source for hit in corpus.search("one thing", 9)} == {"A", "A#2", "B"}
        assert corpus.read("A#2") == "another matter"


def test_the_tools_answer_from_the_corpus(folder: Path, embedder: CountingEmbedder) -> None:
    """Without a memory file the corpus lives in memory, and its tools work."""
    with Corpus.open(folder, embedder=embedder) as corpus:
        assert "red sofa" in ToolRegistry(corpus.tools()).call("search_corpus", {"query": "cat", "limit": 1})


def test_a_missing_folder_leaves_nothing_open(tmp_path: Path, embedder: CountingEmbedder) -> None:
    """A wrong name of a folder, an empty one too, is told before anything is opened or written."""
    for nowhere in (tmp_path / "nowhere", ""):
        with pytest.raises(CorpusNotFoundError, match="is not there"):
            Corpus.open(nowhere, tmp_path / "memory.db", embedder=embedder)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_leaves_nothing_open(tmp_path: Path, embedder: CountingEmbedder) -> None:
    """An error while opening closes the memory file: warnings are errors here."""
    with pytest.raises(EmptyCorpusError):
        Corpus.open(tmp_path, tmp_path / "memory.db", embedder=embedder)
