"""Gather the candidate answers of the chosen sentences, each with the places it is mentioned at."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agentcore.workflow.reading.borders import well_cut
from agentcore.workflow.reading.candidates import Candidate, Mention, answer_key
from agentcore.workflow.reading.coverage import Selection
from agentcore.workflow.reading.nations import DEMONYMS
from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.prompts import ReadingPrompt
from agentcore.workflow.reading.question import THINGS, AnswerKind, answer_kind, counted_noun, named_class
from agentcore.workflow.reading.spans import Span, spans_of
from agentcore.workflow.reading.subject import asked_subject, is_about
from agentcore.workflow.reading.words import STOP_WORDS, bare_title, content_stems, stem, words

__all__ = ["gather_candidates"]

_OPENING = 250  # characters of a document that say whom or what it is about
_DAY = r"(?:\d{1,2} [A-Z][a-z]+|[A-Z][a-z]+ \d{1,2},) \d{3,4}"
_LIFE = re.compile(rf"\([^()]*\bborn\b|\([^()]*{_DAY} [–—-]")


def gather_candidates(
    question: str, selection: Selection, passages: Sequence[Passage], prompt: ReadingPrompt
) -> list[Candidate]:
    """Return what could answer the question, in reading order.

    Candidates that do not fit the kind of answer the question asks for, and those that only repeat words of
    the question, are left out as long as others remain; "why" is answered by a reason or not at all.
    """
    found: dict[str, Candidate] = {}
    for number, sentence in enumerate(selection.sentences):
        offset = prompt.offsets[number]
        title = bare_title(passages[sentence.passage].title)
        for span in spans_of(sentence.text):
            name = title if sentence.position == 0 and _is_full_name(sentence.text, span, title) else None
            _add(found, sentence.text, span, offset, number, sentence.passage, in_title=False, name=name)
        title_offset = prompt.title_offsets[number]
        if title_offset is not None:
            spans = [Span(0, len(title), "title"), *spans_of(title)]
            for span in spans:
                _add(found, title, span, title_offset, number, sentence.passage, in_title=True)
        elif title and (at := sentence.text.find(title)) >= 0:
            _add(
                found,
                sentence.text,
                Span(at, at + len(title), "title"),
                offset,
                number,
                sentence.passage,
                in_title=False,
            )
    candidates = list(found.values())
    kind = answer_kind(question)
    if kind == "place":  # no town bears the name of who was born there
        people = {
            answer_key(bare_title(passage.title)) for passage in passages if _tells_a_life(passage.text)
        }
        candidates = [c for c in candidates if answer_key(c.text) not in people] or candidates
    if kind != "reason":  # whole clauses: only "why" asks for them
        candidates = [c for c in candidates if c.kinds != {"reason"}]
    fitting = [c for c in candidates if _fits(c, kind)]
    if kind == "reason":
        return fitting  # no name or number answers "why": better no answer
    candidates = well_cut(_counting(fitting, question) or fitting or candidates, question, kind)
    noun = named_class(question)
    candidates = [
        c for c in candidates if noun and noun in words(c.text) and len(words(c.text)) > 1
    ] or candidates
    subject = asked_subject(question)
    if subject is not None:  # what another thing does is no answer
        about = {n for n, s in enumerate(selection.sentences) if is_about(s, subject, passages)}
        candidates = [c for c in candidates if about & {m.sentence for m in c.mentions}] or candidates
    asked = set(content_stems(question))
    return [c for c in candidates if not set(content_stems(c.text)) <= asked] or candidates


def _tells_a_life(text: str) -> bool:
    """Tell whether a document opens with a life in parentheses."""
    return _LIFE.search(text[:_OPENING]) is not None


def _add(
    found: dict[str, Candidate],
    text: str,
    span: Span,
    offset: int,
    sentence: int,
    passage: int,
    *,
    in_title: bool,
    name: str | None = None,
) -> None:
    """Record one mention of a candidate, under another name if one is given."""
    surface = name or text[span.start : span.end]
    key = answer_key(surface)
    if not key or all(word in STOP_WORDS for word in key.split()):
        return
    candidate = found.setdefault(key, Candidate(surface))
    candidate.kinds.add(span.kind)
    candidate.mentions.append(Mention(sentence, offset + span.start, offset + span.end, in_title))
    candidate.passages.add(passage)


def _counting(candidates: Sequence[Candidate], question: str) -> list[Candidate]:
    """Return the numbers that count what the question wants counted: "two towers" and "two"; none where no number does."""
    noun = counted_noun(question)
    if noun is None:
        return []
    counting = [c for c in candidates if stem(noun) in content_stems(c.text)]
    places = {(m.sentence, m.start) for c in counting for m in c.mentions}
    return [c for c in candidates if places & {(m.sentence, m.start) for m in c.mentions}]


def _is_full_name(text: str, span: Span, title: str) -> bool:
    """Tell whether a span opens an article and spells its title's name out ("Robert Clark Seger", "Bob Seger")."""
    surface, short = answer_key(text[span.start : span.end]).split(), answer_key(title).split()
    is_longer = span.start == 0 and span.kind == "name" and len(surface) > len(short) > 1
    return is_longer and (
        short[-1] in surface[1:] and (surface[0] == short[0] or short[0] not in surface[1:])
    )


def _fits(candidate: Candidate, kind: AnswerKind) -> bool:
    """Tell whether a candidate looks like the kind of answer that is asked for."""
    has_digit = any(letter.isdigit() for letter in candidate.text)
    if kind in ("person", "place", "name") and set(re.split(r"[ -]", candidate.text)) <= DEMONYMS:
        return False
    if kind == "name":
        return bool(candidate.kinds & {"name", "title", "quote"}) and any(c.isupper() for c in candidate.text)
    if kind in ("person", "place"):
        if kind == "person" and words(candidate.text)[-1:] and words(candidate.text)[-1] in THINGS:
            return False
        is_named = bool(candidate.kinds & {"name", "title", "quote"})
        return is_named and not has_digit and any(letter.isupper() for letter in candidate.text)
    if kind == "nationality":
        return candidate.text in DEMONYMS
    if kind == "date":
        return bool(candidate.kinds & {"date", "year"})
    if kind == "year":
        return "year" in candidate.kinds
    if kind == "reason":
        return "reason" in candidate.kinds
    if kind == "number":
        is_day = "date" in candidate.kinds
        return not is_day and ("number" in candidate.kinds or has_digit)
    return True
