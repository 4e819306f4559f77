"""Read passages and answer a question from them, with the sentences that carry the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agentcore.workflow.reading.candidates import Candidate
from agentcore.workflow.reading.choice import linked_signal
from agentcore.workflow.reading.choosers import Chooser, Material, ReadingMode
from agentcore.workflow.reading.comparison import Comparison, compare
from agentcore.workflow.reading.coverage import Selection, Sentence, select_sentences
from agentcore.workflow.reading.directness import direct_signal, held_shares, hop_share
from agentcore.workflow.reading.evidence import leading_to
from agentcore.workflow.reading.gathering import gather_candidates
from agentcore.workflow.reading.not_found import found_probability
from agentcore.workflow.reading.passages import Encoder, Passage
from agentcore.workflow.reading.prompts import ReadingPrompt, reading_prompt
from agentcore.workflow.reading.roles.signal import role_signal
from agentcore.workflow.reading.settings import ReaderSettings
from agentcore.workflow.reading.verdict import asks_for_a_verdict, verdict
from agentcore.workflow.reading.words import bare_title, sentence_spans

__all__ = ["Quote", "Reader", "Reading", "Statement"]


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a document.

    Attributes
    ----------
    passage : Passage
        Where it is from.
    start, end : int
        Offsets into the document's snapshot.
    text : str
        What stands there.
    """

    passage: Passage
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer.

    Attributes
    ----------
    text : str
        What it says.
    quotes : tuple of int
        Which of the reading's quotes it rests on, counted from 0.
    """

    text: str
    quotes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader made of the passages.

    Attributes
    ----------
    answer : str
        A few words, as they stand in a passage (or "yes", "no"); empty when nothing was found.
    is_found : bool
        Whether the evidence is good enough to answer at all.
    found_probability : float
        The signal behind ``is_found``, in [0, 1].
    support : tuple of Quote
        The sentences that carry the answer, the one it stands in first.
    selection : Selection
        All sentences that were read.
    mode : ReadingMode
        How the answer was chosen.
    alternatives : tuple of str
        The next best candidates.
    statements : tuple of Statement
        The answer's sentences, where a model wrote them; else all of it rests on all of ``support``.
    """

    answer: str
    is_found: bool
    found_probability: float
    support: tuple[Quote, ...]
    selection: Selection
    mode: ReadingMode
    alternatives: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()


class Reader:
    """Reads passages for one question at a time.

    Parameters
    ----------
    encoder : Encoder
        Sentence and word-piece vectors.
    settings : ReaderSettings
        The constants.
    """

    def __init__(self, encoder: Encoder, *, settings: ReaderSettings) -> None:
        self._encoder = encoder
        self._settings = settings

    @property
    def encoder(self) -> Encoder:
        """Where its vectors come from."""
        return self._encoder

    def select(self, question: str, passages: Sequence[Passage], *, rarity: Mapping[str, float]) -> Selection:
        """Choose the sentences to read."""
        return select_sentences(
            question, passages, encoder=self._encoder, rarity=rarity, settings=self._settings
        )

    def read(
        self,
        question: str,
        passages: Sequence[Passage],
        *,
        rarity: Mapping[str, float],
        pair_score: float,
        chooser: Chooser,
        report: Callable[[str], None] = lambda _: None,
    ) -> Reading:
        """Answer a question from passages.

        Parameters
        ----------
        passages : sequence of Passage
            In the order of the ledger: the first few titles are read, comparisons look a little further.
        rarity : mapping
            Inverse document frequency of the stems of the question and the titles.
        pair_score : float
            Of the best pair (:class:`agentcore.workflow.reading.beam.Beam`).
        chooser : Chooser
            Who chooses among the candidates.
        report : callable
            Told in words what was decided.
        """
        near = first_titles(passages, self._settings.passages)
        selection = self.select(question, near, rarity=rarity)
        probability = found_probability(pair_score, selection.coverage, settings=self._settings)
        is_found = bool(selection.sentences) and probability >= self._settings.found_threshold
        report(f"evidence for an answer: {probability:.2f} of 1, {len(selection.sentences)} sentences read")
        wide = first_titles(passages, 2 * self._settings.passages)
        compared = compare(question, wide)
        if compared is not None:
            return self.compared(compared, wide, probability, selection)
        if not is_found:
            return Reading("", False, probability, self._nearest(selection, near), selection, "none")
        if asks_for_a_verdict(question):
            return self._verdict(question, near, probability, selection)
        prompt = prompt_of(question, selection, near)
        candidates = gather_candidates(question, selection, near, prompt)
        if not candidates:
            return Reading("", False, probability, self._nearest(selection, near), selection, "none")
        shares = held_shares(question, selection, near, rarity=rarity)
        least = self._settings.direct_share
        linked = linked_signal(question, candidates, near, rarity=rarity)
        direct = direct_signal(candidates, shares, least=least)
        hops = hop_share(shares, least=least)
        role = role_signal(question, candidates, selection, near, prompt, rarity=rarity)
        choice = chooser.choose(Material(question, near, candidates, prompt, linked, direct, hops, role))
        chosen = candidates[choice.index]
        others = tuple(candidates[index].text for index in choice.order[:5] if index != choice.index)
        support = _support(chosen, selection, near)
        return Reading(chosen.text, True, probability, support, selection, chooser.mode, others)

    def compared(
        self, found: Comparison, passages: Sequence[Passage], probability: float, selection: Selection
    ) -> Reading:
        """Return what code found by comparing two passages: both are there, that is evidence enough."""
        support = tuple(_opening(passages[place]) for place in found.passages)
        certain = max(probability, self._settings.compared_probability)
        return Reading(found.answer, True, certain, support, selection, "comparison")

    def _verdict(
        self, question: str, passages: Sequence[Passage], probability: float, selection: Selection
    ) -> Reading:
        """Answer yes or no where a sentence decides it: no span of a document answers such a question."""
        found = verdict(question, selection, passages, encoder=self._encoder)
        if found is None:
            return Reading("", False, probability, self._nearest(selection, passages), selection, "none")
        support = (_quote(found.sentence, passages),)
        return Reading(found.answer, True, probability, support, selection, "verdict")

    def _nearest(self, selection: Selection, passages: Sequence[Passage]) -> tuple[Quote, ...]:
        """Return the two sentences picked first: shown where no answer is given."""
        order = sorted(range(len(selection.sentences)), key=lambda index: selection.ranks[index])
        return tuple(_quote(selection.sentences[index], passages) for index in order[:2])


def first_titles(passages: Sequence[Passage], count: int) -> list[Passage]:
    """Return the passages up to the first ``count`` distinct titles, in order; at most two for each on average."""
    titles: set[str] = set()
    kept = []
    for passage in passages:
        if passage.title not in titles and len(titles) == count:
            break
        titles.add(passage.title)
        kept.append(passage)
    return kept[: 2 * count]


def prompt_of(question: str, selection: Selection, passages: Sequence[Passage]) -> ReadingPrompt:
    """Build the reading prompt: each sentence with its title, unless it opens its passage or names it."""
    rows = []
    for sentence in selection.sentences:
        title = passages[sentence.passage].title
        is_clear = sentence.position == 0 or sentence.text.startswith(title)
        rows.append(("" if is_clear else bare_title(title), sentence.text))
    return reading_prompt(question, rows)


def _opening(passage: Passage) -> Quote:
    """Return the first sentence of a passage."""
    start, end = sentence_spans(passage.text)[0]
    return Quote(passage, passage.start + start, passage.start + end, passage.text[start:end])


def _quote(sentence: Sentence, passages: Sequence[Passage]) -> Quote:
    """Return a chosen sentence with its passage."""
    return Quote(passages[sentence.passage], sentence.start, sentence.end, sentence.text)


def _support(chosen: Candidate, selection: Selection, passages: Sequence[Passage]) -> tuple[Quote, ...]:
    """Return the sentence the answer stands in, and the one of another passage that leads to it.

    Of several sentences with the answer the one that was picked earliest counts; the second sentence is one
    that names the title of the first one's passage.
    """
    inside = sorted({m.sentence for m in chosen.mentions if not m.in_title}, key=lambda i: selection.ranks[i])
    about = sorted({m.sentence for m in chosen.mentions}, key=lambda i: selection.ranks[i])
    first = selection.sentences[(inside or about)[0]]
    ranked = sorted(range(len(selection.sentences)), key=lambda i: selection.ranks[i])
    before = leading_to(first, [selection.sentences[index] for index in ranked], passages)
    if before is not None:
        return (_quote(first, passages), _quote(before, passages))
    return (_quote(first, passages),)
