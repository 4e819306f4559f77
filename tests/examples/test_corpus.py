"""The example corpus and its questions fit together."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "examples" / "corpus"
ARTICLES = sorted(CORPUS.glob("*.md"))
QUESTIONS: list[dict[str, Any]] = json.loads(
    (ROOT / "examples" / "questions.json").read_text(encoding="utf-8")
)
SUPPORT: list[dict[str, Any]] = json.loads((ROOT / "tests/data/support.json").read_text(encoding="utf-8"))


def body(article: Path) -> str:
    return article.read_text(encoding="utf-8").split("\n", 1)[1].strip()


def test_there_are_enough_articles_and_nothing_else() -> None:
    """The folder holds at least sixty markdown articles and no file that would be indexed by mistake."""
    assert len(ARTICLES) >= 60
    assert sorted(CORPUS.rglob("*")) == ARTICLES


@pytest.mark.parametrize("article", ARTICLES, ids=lambda path: path.stem)
def test_each_article_has_a_title_and_a_fair_length(article: Path) -> None:
    """An article is one heading and 90 to 180 words."""
    lines = article.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert not any(line.startswith("#") for line in lines[1:])
    assert 90 <= len(body(article).split()) <= 180


def test_no_article_repeats_another() -> None:
    """Titles are unique, and no run of twelve words stands in two articles."""
    titles = Counter(article.read_text(encoding="utf-8").splitlines()[0] for article in ARTICLES)
    assert max(titles.values()) == 1
    seen: dict[tuple[str, ...], str] = {}
    for article in ARTICLES:
        words = body(article).lower().split()
        for run in {tuple(words[i : i + 12]) for i in range(len(words) - 11)}:
            assert run not in seen, f"{article.stem} and {seen[run]}: {' '.join(run)}"
            seen[run] = article.stem


def test_articles_mention_each_other() -> None:
    """Most articles are linked by name with another one, so that two-hop questions have a path."""
    titles = {
        article.stem: article.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").lower()
        for article in ARTICLES
    }
    linked = set()
    for article in ARTICLES:
        text = body(article).lower()
        for other, title in titles.items():
            if other != article.stem and title in text:
                linked |= {article.stem, other}
    assert len(linked) >= 0.8 * len(ARTICLES)


def test_the_questions_are_of_the_promised_kinds() -> None:
    """Thirty questions with unique ids: fifteen two-hop, ten one-hop, five unanswerable."""
    assert Counter(question["type"] for question in QUESTIONS) == {
        "two_hop": 15,
        "one_hop": 10,
        "unanswerable": 5,
    }
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question["id"]))
def test_evidence_is_quoted_word_for_word(question: dict[str, Any]) -> None:
    """Every quote is in its file; a two-hop question needs two files, an unanswerable one has none."""
    needed = {"two_hop": 2, "one_hop": 1, "unanswerable": 0}[question["type"]]
    assert len({item["source"] for item in question["evidence"]}) == needed
    for item in question["evidence"]:
        assert item["quote"] in (CORPUS / item["source"]).read_text(encoding="utf-8")
    assert (question["answer"] is None) == (needed == 0)


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q["answer"]], ids=lambda q: str(q["id"]))
def test_the_answer_stands_in_the_evidence(question: dict[str, Any]) -> None:
    """A gold answer can be copied from one of the files that the question needs."""
    assert any(
        question["answer"] in (CORPUS / item["source"]).read_text(encoding="utf-8")
        for item in question["evidence"]
    )


@pytest.mark.parametrize("question", [q for q in QUESTIONS if not q["answer"]], ids=lambda q: str(q["id"]))
def test_what_an_unanswerable_question_asks_for_is_nowhere(question: dict[str, Any]) -> None:
    """No article holds all the names that an unanswerable question turns on beside its subject."""
    asked = {
        "unanswerable_01": ("Øresund",),
        "unanswerable_02": ("Danube",),
        "unanswerable_03": ("libretto",),
        "unanswerable_04": ("Kepler", "instrument", "play"),
        "unanswerable_05": ("Panama Canal",),
    }[question["id"]]
    assert not [a.stem for a in ARTICLES if all(word in body(a) for word in asked)]


def test_the_support_pairs_are_balanced_and_distinct() -> None:
    """Thirty supported claims; thirty spoiled ones, each by one named kind of change."""
    assert sum(pair["supported"] for pair in SUPPORT) == 30
    kinds = Counter(pair["spoiled_by"] for pair in SUPPORT if not pair["supported"])
    assert kinds == {"number": 8, "name": 8, "negation": 7, "relation": 7}
    assert all(pair["spoiled_by"] is None for pair in SUPPORT if pair["supported"])
    claims = sorted(pair["claim"] for pair in SUPPORT)
    assert all(first != second for first, second in pairwise(claims))
    assert all(pair["claim"] != pair["span"] for pair in SUPPORT)
