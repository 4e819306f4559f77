"""Questions with gold answers and evidence, and the documents they are asked of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentcore.corpus import Corpus
from agentcore.errors import ConfigurationError

__all__ = ["EXAMPLE_QUESTIONS", "Question", "QuestionSet", "load_questions"]

EXAMPLE_QUESTIONS = Path("examples") / "questions.json"


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes
    ----------
    text : str
        The question.
    answer : str or None
        Gold answer; None where the documents hold none.
    gold : frozenset of str
        Sources of the documents that hold the evidence.
    kind : str
        The data's own word for its type.
    """

    text: str
    answer: str | None
    gold: frozenset[str]
    kind: str


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions over one corpus."""

    name: str
    questions: tuple[Question, ...]
    corpus: Corpus


def load_questions(data: Path | None, *, limit: int | None = None) -> QuestionSet:
    """Read a file of questions and index its documents.

    Parameters
    ----------
    data : Path or None
        HotpotQA's distractor format (the corpus is the pool of all paragraphs), or a list of {id, question, answer,
        type, evidence: [{source, quote}]} with a folder ``corpus`` beside it; None takes the examples.
    limit : int, optional
        Only the first few.

    Raises
    ------
    ConfigurationError
        There is no such file, or it has neither format.
    """
    path = data or _examples()
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise ConfigurationError(f"no file {path}: give --data a file of questions") from exc
    except (UnicodeDecodeError, json.JSONDecodeError) as exc:
        raise ConfigurationError(f"{path} is no JSON ({exc}): give --data a file of questions") from exc
    if (
        not isinstance(rows, list)
        or not rows
        or not all(isinstance(row, dict) and "question" in row for row in rows)
    ):
        raise ConfigurationError(
            f"{path} is no list of questions: see `agentcore bench agent --help` for the formats"
        )
    if "context" in rows[0]:
        return _hotpot(path.name, rows, limit)
    if "evidence" in rows[0]:
        return _own(path, rows, limit)
    raise ConfigurationError(f"{path} has neither `context` nor `evidence`: it is in no format known here")


def _examples() -> Path:
    """Return the questions of the repository's examples."""
    for root in (Path.cwd(), Path(__file__).resolve().parent.parent.parent):
        if (root / EXAMPLE_QUESTIONS).is_file():
            return root / EXAMPLE_QUESTIONS
    raise ConfigurationError(
        "the example questions are not here (an installed package has none): give --data a file"
    )


def _hotpot(name: str, rows: list[Mapping[str, Any]], limit: int | None) -> QuestionSet:
    """Pool the paragraphs of all questions; gold are the titles of the supporting facts."""
    pool: dict[tuple[str, str], None] = {}
    questions = []
    for row in rows:
        for title, sentences in _paragraphs(row["context"]):
            pool.setdefault((title, "".join(sentences)))
        gold = frozenset(_gold_titles(row["supporting_facts"]))
        questions.append(Question(row["question"], row["answer"], gold, str(row.get("type", ""))))
    return QuestionSet(name, tuple(questions[:limit]), Corpus.from_passages(list(pool)))


def _paragraphs(context: Any) -> list[tuple[str, list[str]]]:
    """Read a context in either of the two published layouts."""
    if isinstance(context, dict):
        return list(zip(context["title"], context["sentences"], strict=True))
    return [(title, sentences) for title, sentences in context]


def _gold_titles(facts: Any) -> list[str]:
    """Read the titles of the supporting facts in either layout."""
    return list(facts["title"]) if isinstance(facts, dict) else [title for title, _ in facts]


def _own(path: Path, rows: list[Mapping[str, Any]], limit: int | None) -> QuestionSet:
    """Index the folder beside the file."""
    questions = tuple(
        Question(
            row["question"],
            row["answer"] or None,
            frozenset(evidence["source"] for evidence in row["evidence"]),
            str(row.get("type", "")),
        )
        for row in rows
    )
    return QuestionSet(path.name, questions[:limit], Corpus.open(path.parent / "corpus", None))
