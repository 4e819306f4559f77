"""The agent benchmark: how questions are read, and what the metrics count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage
from scripted_model import ScriptedModel

from agentcore.corpus import Corpus
from agentcore.errors import ConfigurationError
from agentcore.evaluation.agent import print_result
from agentcore.evaluation.agent_baselines import Hiding, RandomModel, single_shot_answer
from agentcore.evaluation.agent_metrics import Row, area_under_curve, metrics_of
from agentcore.evaluation.agent_questions import Question, load_questions
from agentcore.memory.embedding import HashEmbedder
from agentcore.workflow.reading.settings import ReaderSettings

ANSWERABLE = Question("Where?", "Padua", frozenset({"a", "b"}), "two_hop")
UNANSWERABLE = Question("Why?", None, frozenset(), "unanswerable")


def test_recall_counts_distinct_sources_in_order() -> None:
    """Evidence recall at five looks at the first five distinct sources of the ledger, repeated ones once."""
    row = Row(ANSWERABLE, "Padua", ("x", "x", "a", "y", "z", "w", "b"))
    assert metrics_of([row], [])["evidence_recall_at_5"] == 0.5
    assert metrics_of([row], [])["evidence_recall_at_10"] == 1.0


def test_not_found_is_a_wrong_answer_where_there_is_one() -> None:
    """F1 is over the questions with an answer; saying "not found" there counts as nothing right."""
    rows = [Row(ANSWERABLE, "in Padua", ("a",)), Row(ANSWERABLE, "", ("a",)), Row(UNANSWERABLE, "", ())]
    metrics = metrics_of(rows, [])
    assert metrics["answer_f1"] == pytest.approx((2 / 3 + 0) / 2)
    assert metrics["answer_em"] == 0.0
    assert metrics["not_found_rate"] == 0.5
    assert metrics["not_found_rate_without_gold"] == 1.0


def test_citations_are_counted_one_by_one() -> None:
    """Validity and precision are shares of all citations; answers without one lower answers_with_citation."""
    rows = [Row(ANSWERABLE, "x", (), valid=2, precise=1, cited=2), Row(ANSWERABLE, "y", (), cited=0)]
    metrics = metrics_of(rows, [])
    assert (metrics["citation_validity"], metrics["citation_precision"]) == (1.0, 0.5)
    assert metrics["answers_with_citation"] == 0.5


def test_the_area_counts_ties_as_a_half() -> None:
    """The AUROC is the share of pairs in the right order."""
    assert area_under_curve([2.0, 1.0], [1.0, 0.0]) == 0.875
    assert area_under_curve([1.0], []) is None


def test_hotpot_paragraphs_are_pooled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both published layouts are read, and a paragraph that two questions share is indexed once."""
    indexed: list[list[tuple[str, str]]] = []

    def remember(passages: list[tuple[str, str]]) -> Corpus:
        indexed.append(passages)
        return original(passages, embedder=HashEmbedder())

    original = Corpus.from_passages
    monkeypatch.setattr(Corpus, "from_passages", remember)
    lists = {
        "question": "q1",
        "answer": "a",
        "context": [["T", ["One. ", "Two."]]],
        "supporting_facts": [["T", 0]],
    }
    columns = {
        "question": "q2",
        "answer": "b",
        "context": {"title": ["T", "U"], "sentences": [["One. ", "Two."], ["Three."]]},
        "supporting_facts": {"title": ["U"], "sent_id": [0]},
    }
    path = tmp_path / "hotpot.json"
    path.write_text(json.dumps([lists, columns]))
    questions = load_questions(path)
    with questions.corpus:
        assert indexed == [[("T", "One. Two."), ("U", "Three.")]]
        assert [question.gold for question in questions.questions] == [frozenset({"T"}), frozenset({"U"})]


@pytest.mark.parametrize("text", ["{", "[]", '[{"a": 1}]', '[{"question": "q"}]', '{"question": "q"}'])
def test_data_of_no_known_format_is_refused(tmp_path: Path, text: str) -> None:
    """A file that holds no questions is refused in one line that names it."""
    path = tmp_path / "data.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"data\.json"):
        load_questions(path)


def test_hidden_documents_are_gone() -> None:
    """A corpus without its gold documents never returns them, and still fills the list."""
    with Corpus.from_passages([(name, f"cats {name}") for name in "abcd"], embedder=HashEmbedder()) as corpus:
        hits = Hiding(corpus, {"a", "c"}).search("cats", limit=2)
    assert sorted(hit.source for hit in hits) == ["b", "d"]


def test_random_choices_are_seeded() -> None:
    """The same seed draws the same lots, another seed others."""
    texts = [f" {n}" for n in range(8)]
    assert RandomModel(seed=1).score("p", texts) == RandomModel(seed=1).score("p", texts)
    assert RandomModel(seed=1).score("p", texts) != RandomModel(seed=2).score("p", texts)


class _Echo:
    """A model that answers with the titles it was shown."""

    def complete(self, prompt: str, *, max_tokens: int, stop: tuple[str, ...]) -> str:
        shown = prompt.rsplit("Text: ", 1)[1]
        return " " + " ".join(name for name in ("Tower", "Calder", "Tomb") if f"{name}: " in shown)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def test_the_single_shot_reads_what_the_agent_finds() -> None:
    """The best single shot reads the first passages of the two-hop search, the plain one those of one search."""
    documents = [
        ("Tower", "The tower of Merrow was designed by Calder."),
        ("Calder", "Calder was born in Dunfell."),
        ("Tomb", "The tomb of Merrow was designed by nobody."),
    ]
    settings = ReaderSettings()
    with Corpus.from_passages(documents, embedder=HashEmbedder()) as corpus:
        question = "Who designed the tower of Merrow?"
        two = single_shot_answer(_Echo(), question, corpus, settings=settings)
        one = single_shot_answer(_Echo(), question, corpus, settings=settings, hops=1)
    assert (one.searches, one.answer) == (1, "Tower Tomb")
    assert (two.searches, two.answer) == (4, "Tower Calder")
    assert len(two.read) == 2


def test_the_table_fits_a_terminal_of_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Agent and four baselines stand side by side with no name or number cut."""
    monkeypatch.setenv("COLUMNS", "80")
    values = dict.fromkeys(("not_found_rate_without_gold", "answer_f1"), 0.4567) | {"tokens": 13425.1}
    names = ("single_shot_rag", "one_search_rag", "random_choice", "no_model")
    print_result({"data": "questions.json", "metrics": values, "baselines": dict.fromkeys(names, values)})
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert (
        sum(line.count("0.457") for line in lines) == 10 and sum(line.count("13425") for line in lines) == 5
    )
    assert "not_found_rate_without_gold" in " ".join(lines) and "…" not in " ".join(lines)


def test_a_model_that_only_chats_has_its_single_shot_too() -> None:
    """A chat model without completion is asked to continue the same text, and its own count of tokens is taken."""
    usage = {"input_tokens": 90, "output_tokens": 2, "total_tokens": 92}
    model = ScriptedModel(lines=[AIMessage(" Calder.", usage_metadata=usage)])
    documents = [
        ("Tower", "The tower of Merrow was designed by Calder."),
        ("Calder", "Calder was born in Dunfell."),
    ]
    with Corpus.from_passages(documents, embedder=HashEmbedder()) as corpus:
        shot = single_shot_answer(model, "Who designed the tower?", corpus, settings=ReaderSettings(), hops=1)
    assert (shot.answer, shot.tokens) == ("Calder", 92)
    assert "Who designed the tower?" in str(model.heard[0][-1].content)
