"""Answers of chat models: a line of text with the numbers of the sentences it rests on, checked by our own code.

One form for a model of half a billion parameters and for one of the largest: examples as earlier turns of the chat, numbered
sentences, the shortest answer first and the numbers behind it. The model looks closely, at the two best passages and the best
sentences of some more, and only where it says "not found" at many: a small one answers best from few sentences, a capable
one says so where these do not do. The best stands nearest the question. JSON is not asked for, so that the answer can be
told while it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from agentcore.workflow.dependencies import Dependencies
from agentcore.workflow.draft import Draft
from agentcore.workflow.ledger import Evidence
from agentcore.workflow.reading.candidates import answer_key
from agentcore.workflow.reading.cited_prompt import CITING, EXAMPLES, NOTHING_FOUND, numbered
from agentcore.workflow.reading.comparison import compare, compared_passages
from agentcore.workflow.reading.coverage import Selection, Sentence, split_passages
from agentcore.workflow.reading.evidence import evidence_of, holds
from agentcore.workflow.reading.not_found import found_probability
from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.question import asks_for_a_fact
from agentcore.workflow.reading.reader import Quote, Reading, Statement, first_titles
from agentcore.workflow.reading.words import sentence_spans

__all__ = ["answer_with_citations"]

_CLOSE = 2  # passages shown whole at first
_MOST_SENTENCES = 60
_MOST_CHARACTERS = 9_000  # with examples and question below 4,096 tokens: many servers read no more
_MOST_QUOTES = 8
_LONGEST_ANSWER = 4_000  # characters; a model that goes on is cut off
_MARKS = re.compile(r"\s*(?:\[\d+(?:\s*[,;]\s*\d+)*\])+")
_NUMBER = re.compile(r"\d+")
_NEXT_TURN = re.compile(r"\n+\s*Question:")  # a small model goes on with a question of its own
_LEAD = re.compile(r"^\W*(?:the )?answer(?: is)?\s*:\s*", re.IGNORECASE)
_NOT_FOUND = re.compile(rf"\W*(?:{NOTHING_FOUND}\b|$)", re.IGNORECASE)


def answer_with_citations(
    question: str, passages: Sequence[Passage], first: Evidence, deps: Dependencies
) -> Reading:
    """Ask a chat model for an answer with the numbers of its sentences, from few sentences, else from many.

    A model that names a sentence which says its answer is believed. Where it names none, our own code finds the sentence, and
    retrieval decides whether the documents hold an answer at all.

    Raises
    ------
    BudgetExceededError
        The call would pass a limit.
    ModelFailedError
        The call failed.
    """
    near = first_titles(passages, deps.reading.passages)
    selection = deps.reader.select(question, near, rarity=first.rarity)
    probability = found_probability(first.pair_score, selection.coverage, settings=deps.reading)
    is_sure = probability >= deps.reading.found_threshold
    compared = compare(question, wide := first_titles(passages, 2 * deps.reading.passages))
    if compared is not None and compared.is_measured:  # dates and numbers need no model
        return deps.reader.compared(compared, wide, probability, selection)
    for shown in _texts(question, wide, selection):
        reply = _asked(question, shown, wide, deps)
        if not _NOT_FOUND.match(reply):
            break
    else:
        if compared is not None:  # the passages of both things are there, so code answers better than nobody
            return deps.reader.compared(compared, wide, probability, selection)
        return Reading("", False, probability, _quotes(selection.sentences[:2], near), selection, "chat")
    statements, quotes, names_them = _grounded(question, reply, shown, wide, first.rarity)
    answer = " ".join(statement.text for statement in statements)
    if len(statements) == 1 and len(answer.split()) <= 12:
        answer = answer.rstrip(" .")
    is_found = bool(answer and quotes) and (names_them or is_sure)
    return Reading(answer, is_found, probability, quotes, selection, "chat", (), statements)


def _texts(question: str, passages: Sequence[Passage], selection: Selection) -> list[list[Sentence]]:
    """Return the sentences shown first, and those shown where these do not hold the answer; the best come last."""
    wide = _cut(split_passages(passages))
    whole = compared_passages(question, passages) or tuple(range(_CLOSE))
    chosen = set(selection.sentences)
    close = [sentence for sentence in wide if sentence.passage in whole or sentence in chosen]
    close.sort(key=lambda sentence: (sentence.passage in whole, -sentence.passage, sentence.position))
    wide.sort(key=lambda sentence: (-sentence.passage, sentence.position))
    return [close, wide] if asks_for_a_fact(question) and len(close) < len(wide) else [wide]


def _cut(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Return as many sentences as a model is shown at once, at least one."""
    kept, length = list[Sentence](), 0
    for sentence in sentences[:_MOST_SENTENCES]:
        length += len(sentence.text)
        if kept and length > _MOST_CHARACTERS:
            break
        kept.append(sentence)
    return kept


def _asked(
    question: str, sentences: Sequence[Sentence], passages: Sequence[Passage], deps: Dependencies
) -> str:
    """Return what the model writes, told as a draft while it does."""
    shown = numbered(question, [(passages[s.passage].title, s.text) for s in sentences])
    messages: list[BaseMessage] = [SystemMessage(CITING)]
    for example, answer in EXAMPLES:
        messages += [HumanMessage(example), AIMessage(answer)]
    with Draft(deps.events, deps.check_cancelled) as draft:
        reply = deps.language.write(
            [*messages, HumanMessage(shown)], tell=draft.add, longest=_LONGEST_ANSWER, stop=_NEXT_TURN
        )
    return _LEAD.sub("", reply.strip()).replace("**", "").strip()


def _grounded(
    question: str,
    reply: str,
    shown: Sequence[Sentence],
    passages: Sequence[Passage],
    rarity: Mapping[str, float],
) -> tuple[tuple[Statement, ...], tuple[Quote, ...], bool]:
    """Return the answer's sentences, the quotes they rest on, and whether the model named each one's own."""
    stated: list[tuple[str, list[Sentence]]] = []
    names_them = True
    for said, numbers in _sentences(reply):
        named = [shown[number - 1] for number in numbers if 1 <= number <= len(shown)]
        if not any(_says(sentence, said, passages) for sentence in named):
            named = evidence_of(question, said, shown, passages, rarity=rarity) or named
            names_them = False
        stated.append((said, named))
    used = list(dict.fromkeys(sentence for _, named in stated for sentence in named))[:_MOST_QUOTES]
    statements = tuple(
        Statement(said, tuple(used.index(sentence) for sentence in named if sentence in used))
        for said, named in stated
    )
    return statements, _quotes(used, passages), names_them


def _says(sentence: Sentence, said: str, passages: Sequence[Passage]) -> bool:
    """Tell whether a sentence says what the model says it does; "yes" and "no" stand in none."""
    is_verdict = answer_key(said) in ("yes", "no")
    return is_verdict or holds(sentence.text, said, title=passages[sentence.passage].title)


def _sentences(reply: str) -> list[tuple[str, list[int]]]:
    """Cut a reply into its sentences, each with the numbers that stand behind it, its own words without them."""
    plain, marks, end = "", list[tuple[int, list[int]]](), 0
    for match in _MARKS.finditer(reply):
        plain += reply[end : match.start()]
        marks.append((len(plain), [int(number) for number in _NUMBER.findall(match.group())]))
        end = match.end()
    plain += reply[end:]
    spans = sentence_spans(plain)
    numbers: list[list[int]] = [[] for _ in spans]
    for at, named in marks:
        before = [index for index, (start, _) in enumerate(spans) if start < at]
        if spans:
            numbers[before[-1] if before else 0] += named
    return [
        (plain[start:stop].strip(), list(dict.fromkeys(named)))
        for (start, stop), named in zip(spans, numbers, strict=True)
    ]


def _quotes(sentences: Sequence[Sentence], passages: Sequence[Passage]) -> tuple[Quote, ...]:
    """Return sentences with their passages."""
    return tuple(Quote(passages[s.passage], s.start, s.end, s.text) for s in sentences)
