"""Questions for yes or no about one thing, answered by code: a sentence says it, or says something else in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentcore.workflow.reading.coverage import Selection, Sentence, with_title
from agentcore.workflow.reading.passages import Encoder, Passage
from agentcore.workflow.reading.subject import YES_NO, is_about
from agentcore.workflow.reading.words import content_stems, words
from agentcore.workflow.support import check_support

__all__ = ["Verdict", "asks_for_a_verdict", "verdict"]

_DENIALS = frozenset(("not", "never", "no", "nor", "without", "or"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sentence says to a question for yes or no."""

    answer: str
    sentence: Sentence


def asks_for_a_verdict(question: str) -> bool:
    """Tell whether a question is for yes or no: about one name, with no "or" and no denial."""
    return YES_NO.match(question) is not None and not _DENIALS & set(words(question))


def verdict(
    question: str, selection: Selection, passages: Sequence[Passage], *, encoder: Encoder
) -> Verdict | None:
    """Return what the chosen sentences say to a question for yes or no, None where they leave it open.

    Notes
    -----
    "Yes" where a sentence has every content word and the support check finds nothing against the question as a statement. "No"
    where a sentence about the same thing has all of it but names or numbers, and others in their place: "born in Warsaw" for
    "born in Paris". Whatever is said in other words stays open.
    """
    match = YES_NO.match(question)
    if match is None or not asks_for_a_verdict(question):
        return None
    verb = "" if match["verb"].lower() in ("do", "does", "did") else f"{match['verb'].lower()} "
    statement = f"{match['subject']} {verb}{match['rest']}."
    about = [s for s in _ranked(selection) if is_about(s, match["subject"], passages)]
    asked = set(content_stems(match["rest"]))
    for sentence in about:
        text = with_title(sentence, passages)
        if asked <= set(content_stems(text)):
            told = [text] if match["subject"] in text else [f"{match['subject']}: {text}"]
            if check_support(statement, told, encoder=encoder).is_supported:
                return Verdict("yes", sentence)
    particulars = {
        stem for word in match["rest"].split() if _is_particular(word) for stem in content_stems(word)
    }
    predicate = asked - particulars
    for sentence in about:
        said = set(content_stems(sentence.text))
        if particulars and predicate and predicate <= said and not particulars & said and _others(sentence):
            return Verdict("no", sentence)
    return None


def _ranked(selection: Selection) -> list[Sentence]:
    """Return the chosen sentences, the one picked first first."""
    order = sorted(range(len(selection.sentences)), key=lambda index: selection.ranks[index])
    return [selection.sentences[index] for index in order]


def _is_particular(word: str) -> bool:
    """Tell a name or a number."""
    return word[:1].isupper() or any(letter.isdigit() for letter in word)


def _others(sentence: Sentence) -> bool:
    """Tell whether a sentence has names or numbers behind its first word, that can stand in the place of those asked for."""
    return any(_is_particular(word) for word in sentence.text.split()[1:])
