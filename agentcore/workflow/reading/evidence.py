"""Find the sentences that an answer rests on, whoever gave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentcore.workflow.reading.beam import mentions
from agentcore.workflow.reading.candidates import answer_key
from agentcore.workflow.reading.coverage import Sentence, word_share
from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.words import content_stems, title_key, word_key

__all__ = ["evidence_of", "holds", "leading_to"]

_LEAST_SHARE = (
    0.5  # of the answer's content words that its sentence has, where it does not hold the answer as it stands
)


def holds(text: str, answer: str, *, title: str = "") -> bool:
    """Tell whether a sentence, with its title, says an answer: as it stands, or at least half of its content words."""
    if f" {answer_key(answer)} " in f" {answer_key(text)} ":
        return True
    said = set(content_stems(answer))
    return bool(said) and len(said & set(content_stems(f"{title} {text}"))) >= _LEAST_SHARE * len(said)


def evidence_of(
    question: str,
    answer: str,
    sentences: Sequence[Sentence],
    passages: Sequence[Passage],
    *,
    rarity: Mapping[str, float],
) -> list[Sentence]:
    """Return the sentence that says an answer, and the one of another passage that leads to it; empty where none does.

    For "yes" and "no" they are the two that hold most of the question.

    Parameters
    ----------
    sentences : sequence of Sentence
        Where to look.
    passages : sequence of Passage
        That the sentences are from.
    rarity : mapping
        Inverse frequency of a stem: of several sentences with the answer, the one with more of the question counts.
    """
    stems = content_stems(question)
    key = f" {answer_key(answer)} "

    def fit(sentence: Sentence) -> tuple[bool, float]:
        read = set(content_stems(f"{passages[sentence.passage].title} {sentence.text}"))
        return key in f" {answer_key(sentence.text)} ", word_share(stems, read, rarity)

    ranked = sorted(sentences, key=fit, reverse=True)
    if answer_key(answer) in ("yes", "no"):  # no sentence says it: what tells most of the question decides
        return ranked[:2]
    said = [s for s in ranked if holds(s.text, answer, title=passages[s.passage].title)]
    if not said:
        return []
    before = leading_to(said[0], ranked, passages)
    return [said[0]] if before is None else [said[0], before]


def leading_to(
    sentence: Sentence, others: Sequence[Sentence], passages: Sequence[Passage]
) -> Sentence | None:
    """Return the first of the other sentences that names the title of a sentence's passage, from a passage of its own."""
    title = passages[sentence.passage].title
    return next(
        (
            other
            for other in others
            if passages[other.passage].title != title
            and title_key(title)
            and mentions(word_key(other.text), title)
        ),
        None,
    )
