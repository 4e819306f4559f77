"""How well each candidate stands where the question asks: the role it plays, in a sentence about the right things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from agentcore.workflow.reading.beam import mentions
from agentcore.workflow.reading.candidates import Candidate, answer_key
from agentcore.workflow.reading.coverage import Selection, split_passages, word_share
from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.prompts import ReadingPrompt
from agentcore.workflow.reading.question import kind_words
from agentcore.workflow.reading.roles.asked import Asked, asked_part
from agentcore.workflow.reading.roles.heads import head_slots
from agentcore.workflow.reading.roles.relations import relation_slots
from agentcore.workflow.reading.roles.slots import SUBJECT, Slot, verb_slots
from agentcore.workflow.reading.words import bare_title, content_stems, word_key

__all__ = ["role_signal", "told_shares"]

_HEAD = 0.75  # of a name beside the noun the question asks with: a plateau from .5 to 1


def role_signal(
    question: str,
    candidates: Sequence[Candidate],
    selection: Selection,
    passages: Sequence[Passage],
    prompt: ReadingPrompt,
    *,
    rarity: Mapping[str, float],
) -> npt.NDArray[np.float64]:
    """Return for each candidate how well its best mention fills what is asked for, times how much of the rest is told there.

    A name beside the noun of the question ("the president X" for "which president") counts as well. The title of a document that
    another one leads to is only what the question speaks of, unless that noun says what it is.

    Returns
    -------
    ndarray, (C,)
        From 0 to 1.75; all zeros where the question's form is not known or no sentence tells its event.
    """
    asked = asked_part(question)
    if asked is None:
        return np.zeros(len(candidates))
    heads = [
        list(head_slots(sentence.text, asked.head)) if asked.head else [] for sentence in selection.sentences
    ]
    slots = [_slots(sentence.text, asked, opens=sentence.position == 0) for sentence in selection.sentences]
    told, is_led_to = told_shares(question, asked, selection, passages, rarity=rarity)
    titles = [answer_key(bare_title(passages[s.passage].title)) for s in selection.sentences]
    values = []
    for candidate in candidates:
        key, best = answer_key(candidate.text), 0.0
        for number, share in enumerate(told):
            if SUBJECT in slots[number] and key == titles[number] and not is_led_to[number]:
                best = max(best, SUBJECT.weight * share)
        for mention in candidate.mentions:
            is_bridge = is_led_to[mention.sentence] and set(key.split()) <= set(
                titles[mention.sentence].split()
            )
            if mention.in_title:
                continue
            offset = prompt.offsets[mention.sentence]
            place = mention.start - offset, mention.end - offset
            fit = 0.0 if is_bridge else _fit(*place, slots[mention.sentence])
            fit += _HEAD * _fit(*place, heads[mention.sentence])
            best = max(best, fit * told[mention.sentence])
        values.append(best)
    return np.array(values)


def told_shares(
    question: str,
    asked: Asked,
    selection: Selection,
    passages: Sequence[Passage],
    *,
    rarity: Mapping[str, float],
) -> tuple[tuple[float, ...], tuple[bool, ...]]:
    """Return for each sentence which share of the rest of the question it tells, by rarity, and whether only with a leading one.

    The rest is what neither names the kind of the answer nor the event. A sentence of another document that names this one's
    title leads to it: what is said there, is said of this document's subject.
    """
    named = [asked.word, asked.head, *kind_words(question)]
    said = {stem for word in named for stem in content_stems(word)}
    rest = [stem for stem in content_stems(question) if stem not in said]
    if not rest:
        return tuple(1.0 for _ in selection.sentences), tuple(False for _ in selection.sentences)
    others = [(s, word_key(s.text), set(content_stems(s.text))) for s in split_passages(passages)]
    shares, is_led_to = [], []
    for sentence in selection.sentences:
        title = passages[sentence.passage].title
        own = set(content_stems(f"{title} {sentence.text}"))
        best = alone = word_share(rest, own, rarity)
        for other, key, stems in others:
            if passages[other.passage].title != title and mentions(key, title):
                leading = stems | set(content_stems(passages[other.passage].title))
                best = max(best, word_share(rest, own | leading, rarity))
        shares.append(best)
        is_led_to.append(best > alone)
    return tuple(shares), tuple(is_led_to)


def _slots(text: str, asked: Asked, *, opens: bool) -> list[Slot]:
    if asked.role == "holder":
        return list(relation_slots(text, asked))
    return list(verb_slots(text, asked, opens=opens))


def _fit(start: int, end: int, slots: Sequence[Slot]) -> float:
    """Return the best weight of a slot times the F1 of the letters it shares with a mention."""
    return max(
        (
            slot.weight
            * 2
            * (min(end, slot.end) - max(start, slot.start))
            / (end - start + slot.end - slot.start)
            for slot in slots
            if min(end, slot.end) > max(start, slot.start)
        ),
        default=0.0,
    )
