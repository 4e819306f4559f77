"""Scores of answers made from what was found, for whoever plugs in a model: token F1, BLEU-1, and a judge's verdict.

The rules are the data sets' own. LoCoMo: words are stemmed; an answer of several parts (category 1) is scored part by part; for an
open question (category 3) only what stands before a semicolon counts. Both: a question that cannot be answered is right when the
answer says so, and stands apart.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import Stemmer

from agentcore.memory.benchmarks._dataset import Dataset, Question
from agentcore.memory.benchmarks._journal import Answered

__all__ = ["Answering", "answer_scores", "bleu_1", "declines", "score_answer", "token_f1"]

_ARTICLES = re.compile(r"\b(a|an|the|and)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_DECLINING = re.compile(
    r"not (?:mentioned|found|available|specified|stated|known|enough|provided)|no (?:information|mention|answer)"
    r"|(?:do(?:es)?n.?t|do(?:es)? not|cannot|can.?t|unable to) (?:know|say|tell|answer|determine|have|mention|provide)|unanswerable|unknown",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Answering:
    """What turns passages into an answer, and optionally judges it.

    Attributes
    ----------
    answer : callable
        (question, passages best first) -> answer.
    judge : callable or None
        (question, gold, answer) -> whether the answer is right.
    passages : int
        How many passages the reader gets.
    most : int or None
        Answer so many questions only, spread evenly over the data.
    """

    answer: Callable[[str, Sequence[str]], str]
    judge: Callable[[str, str, str], bool] | None = None
    passages: int = 10
    most: int | None = None


def answer_scores(
    dataset: Dataset,
    answered: Sequence[Answered],
    answering: Answering,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Answer questions from their rankings and score the answers."""
    cases = list(_cases(dataset, answered, answering.passages))
    if answering.most is not None and answering.most < len(cases):
        cases = [cases[place] for place in np.linspace(0, len(cases) - 1, answering.most).astype(int)]
    rows = []
    for done, (question, passages) in enumerate(cases):
        if progress is not None:
            progress(done, len(cases))
        reply = answering.answer(question.text, passages)
        row: dict[str, Any] = {"question": question, **score_answer(question, reply)}
        if answering.judge is not None and question.answerable and question.answer is not None:
            row["judge"] = float(answering.judge(question.text, question.answer, reply))
        rows.append(row)
    return _summary(rows)


def score_answer(question: Question, reply: str) -> dict[str, float]:
    """Return `f1` and `bleu_1` of an answerable question, `declined` of every one."""
    scores = {"declined": float(declines(reply))}
    if question.answerable and question.answer is not None:
        gold = question.answer
        if question.category == "1":
            parts = [part for part in gold.split(",") if part.strip()]
            given = [part for part in reply.split(",") if part.strip()] or [""]
            scores["f1"] = float(
                np.mean([max(token_f1(reply_part, part) for reply_part in given) for part in parts])
            )
        else:
            gold = gold.split(";")[0] if question.category == "3" else gold
            scores["f1"] = token_f1(reply, gold)
        scores["bleu_1"] = bleu_1(reply, gold)
    return scores


def token_f1(reply: str, gold: str) -> float:
    """Return the harmonic mean of precision and recall over stems, repeats counted."""
    ours, theirs = _words(reply), _words(gold)
    common = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * common / (len(ours) + len(theirs)) if common else 0.0


def bleu_1(reply: str, gold: str) -> float:
    """Return unigram precision with the brevity penalty."""
    ours, theirs = _words(reply, stem=False), _words(gold, stem=False)
    if not ours or not theirs:
        return 0.0
    precision = sum((Counter(ours) & Counter(theirs)).values()) / len(ours)
    return precision * min(1.0, math.exp(1 - len(theirs) / len(ours)))


def declines(reply: str) -> bool:
    """Whether a reply says that there is no answer."""
    return not reply.strip() or _DECLINING.search(reply) is not None


def _words(text: str, *, stem: bool = True) -> list[str]:
    plain = _ARTICLES.sub(" ", text.lower().replace(",", "").translate(_PUNCTUATION)).split()
    return list(Stemmer.Stemmer("porter").stemWords(plain)) if stem else plain


def _cases(
    dataset: Dataset, answered: Sequence[Answered], passages: int
) -> Iterator[tuple[Question, list[str]]]:
    partitions = {partition.id: partition for partition in dataset}
    for part in answered:
        partition = partitions[part.partition]
        documents = {item.id: item.document for item in partition.items}
        for question, ranking in zip(partition.questions, part.rankings, strict=True):
            yield question, [documents[item] for item in ranking[:passages]]


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    asked = [row for row in rows if row["question"].answerable]
    other = [row for row in rows if not row["question"].answerable]
    categories = sorted({row["question"].category for row in asked})
    return {
        "num_answered": len(rows),
        **{f"answer_{name}": _mean(asked, name) for name in ("f1", "bleu_1", "judge")},
        "wrongly_declined_rate": _mean(asked, "declined"),
        "abstention_accuracy": _mean(other, "declined"),
        "answer_f1_by_category": {
            name: _mean([row for row in asked if row["question"].category == name], "f1")
            for name in categories
        },
    }


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [row[name] for row in rows if name in row]
    return float(np.mean(values)) if values else None
