"""Tasks on which a lossy decoder can lose: problems with one right number, and summaries that are compared with people's own.

Problems: a JSONL file with ``question`` and ``answer``. Summaries: LoCoMo's file, whose conversations bring a summary of every
session; the score is ROUGE-L (Lin 2004, https://aclanthology.org/W04-1013), the F-measure of the longest common subsequence of
words, without stemming.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from agentcore.decoding.trimming import extract_answer, same_answer
from agentcore.evaluation.trimming_live import Problem, read_problems

__all__ = ["Task", "problem", "read_tasks", "rouge_l"]

_STEP_BY_STEP = (
    "{question}\nThink step by step in a few short sentences, then end with 'The answer is' and the number."
)
_SUMMARISE = "Summarise the conversation below in a few sentences. Say who did what.\n\n{talk}"


@dataclass(frozen=True, slots=True)
class Task:
    """What a model is asked, and what its answer is worth.

    Attributes
    ----------
    prompt : str
        The user's message.
    score : callable
        From an answer to 0 to 1.
    """

    prompt: str
    score: Callable[[str], float]


def problem(question: Problem) -> Task:
    """Return a problem as a task: 1 for the right number, 0 for any other."""

    def score(text: str) -> float:
        value = extract_answer(text)
        return float(value is not None and same_answer(value.key, question.answer))

    return Task(_STEP_BY_STEP.format(question=question.question), score)


def read_tasks(path: Path, *, skip: int, limit: int) -> list[Task]:
    """Read problems or summaries, the first `skip` of them left out.

    Problems are a seeded sample; sessions come in turns from all conversations.

    Raises
    ------
    ValueError
        If the file holds neither.
    """
    if path.suffix == ".jsonl":
        return [problem(question) for question in read_problems(path, limit=skip + limit)][skip:]
    try:
        conversations: Any = json.loads(path.read_text(encoding="utf-8"))
        columns = [list(_sessions(conversation)) for conversation in conversations]
    except (ValueError, KeyError, TypeError, AttributeError):
        columns = []
    tasks = [task for task in chain.from_iterable(zip_longest(*columns)) if task is not None]
    if not tasks:
        raise ValueError(
            f"{path} holds no tasks: give a JSONL file with question and answer, or LoCoMo's file"
        )
    return tasks[skip : skip + limit]


def _sessions(conversation: Mapping[str, Any]) -> Iterator[Task]:
    for name, summary in conversation["session_summary"].items():
        turns: Sequence[Mapping[str, str]] = conversation["conversation"][name.removesuffix("_summary")]
        talk = "\n".join(f"{turn['speaker']}: {turn['text']}" for turn in turns)
        yield Task(_SUMMARISE.format(talk=talk), partial(rouge_l, reference=summary))


def rouge_l(text: str, reference: str) -> float:
    """Return the F-measure of the longest common subsequence of words, 0 to 1."""
    found, wanted = (re.findall(r"\w+", part.lower()) for part in (text, reference))
    row = [0] * (len(wanted) + 1)  # lengths for the words so far, by the end in `wanted`
    for word in found:
        diagonal = 0
        for place, other in enumerate(wanted, 1):
            above = row[place]
            row[place] = diagonal + 1 if word == other else max(above, row[place - 1])
            diagonal = above
    return 2 * row[-1] / (len(found) + len(wanted)) if row[-1] else 0.0
