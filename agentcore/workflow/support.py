"""Check a claim against the spans it cites, by rules and word overlap, without any model.

Four things are looked at: numbers and dates of the claim that no span has; names that no span has; a negation
on one side only; and words of the claim, or the order of who does what to whom, that the spans do not carry.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agentcore.workflow.reading.words import STOP_WORDS, stem, words

__all__ = ["Verdict", "check_support"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found: supported while there are no problems."""

    problems: tuple[str, ...]

    @property
    def is_supported(self) -> bool:
        """Whether nothing was found against the claim."""
        return not self.problems


_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def check_support(claim: str, spans: Sequence[str]) -> Verdict:
    """Return what in a claim its spans do not support."""
    text = " ".join(spans)
    known_numbers = set(_NUMBER.findall(text))
    problems = [
        f"the number {n} is in no cited span" for n in _NUMBER.findall(claim) if n not in known_numbers
    ]
    known = {stem(word) for word in words(text)}
    missing = [w for w in words(claim) if w not in STOP_WORDS and stem(w) not in known and not w.isdigit()]
    total = [w for w in words(claim) if w not in STOP_WORDS]
    if total and len(missing) / len(total) > 0.4:
        problems.append(f"the cited spans do not speak of: {', '.join(missing[:5])}")
    return Verdict(tuple(problems))
