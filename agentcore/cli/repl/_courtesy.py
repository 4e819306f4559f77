"""Greetings and thanks: answered at once, without a search and without the model."""

from __future__ import annotations

import re

__all__ = ["courtesy"]

_ADDRESS = r"(?:\s+(?:there|again|all|everyone|agent|friend|mate))?"
_REPLIES = (
    (r"(?:hello|hi|hey|good (?:morning|afternoon|evening)|greetings)" + _ADDRESS, "Hello."),
    (
        r"(?:(?:ok|okay|great|good|nice|perfect)[,.!]*\s+)?(?:many thanks|thanks?|thank you|thx|cheers)"
        r"(?:\s+(?:you|again|a lot|so much|very much|for (?:that|this|the help|your help|your answer)|all))*",
        "You are welcome.",
    ),
    (
        r"(?:good ?bye|bye|bye[- ]bye|see you(?: later| soon)?|good night)" + _ADDRESS,
        "Goodbye: Ctrl-D leaves.",
    ),
    (
        r"(?:ok|okay|great|good|nice|fine|perfect|cool|wow|well done|good job|sorry|got it|i see|understood|never mind)",
        "Good.",
    ),
    (
        r"(?:how are you(?: doing)?(?: today)?|how do you do|who are you|what are you|what can you do|help)",
        "",
    ),
)
_KNOWN = tuple((re.compile(rf"\W*{said}\W*", re.IGNORECASE), reply) for said, reply in _REPLIES)
_JOB = "I answer questions from your documents and from what I remember of earlier ones, with the sentences I found."


def courtesy(text: str, *, has_corpus: bool) -> str | None:
    """Return what to say to a line that is nothing but a greeting, thanks or the like; None for anything else."""
    for pattern, reply in _KNOWN:
        if pattern.fullmatch(text):
            hint = (
                "Ask away, or /help." if has_corpus else "/corpus DIR names documents, /help lists the rest."
            )
            return " ".join(part for part in (reply, "" if reply else _JOB, hint) if part)
    return None
