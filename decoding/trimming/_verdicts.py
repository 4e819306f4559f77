"""What a detector decides, and the texts, ours alone, that lead a model out of its thinking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from agentcore.decoding.trimming._values import Answer

Reason = Literal["over_thinking", "under_thinking", "repetition"]
Force = Literal["mild", "forced"]

MILD: Final = "\n\nI have checked this enough and can answer now.\n\n**Final Answer**\n"
FORCED: Final = (
    "\n\nI have thought about this for long enough and must answer now with the best result so far.\n"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision to end the thinking.

    Attributes
    ----------
    reason : Reason
        Which detector fired.
    position : int
        Characters of the thinking that had been seen when it fired; nothing before it is lost.
    answer : Answer | None
        What the kept thinking concludes, when a detector knows.
    detail : str
        One line for people: the rule and its points.
    """

    reason: Reason
    position: int
    answer: Answer | None = None
    detail: str = ""

    @property
    def force(self) -> Force:
        """``mild`` where the model has an answer, ``forced`` where it has none."""
        return "mild" if self.reason == "over_thinking" else "forced"


def guide_prompt(verdict: Verdict, *, end_of_thinking: str = "</think>") -> str:
    """Return the text to force after the thinking, ending with the model's own end tag.

    Parameters
    ----------
    verdict : Verdict
        Decides between the mild and the forced wording.
    end_of_thinking : str
        The model's end tag; empty for a model that reasons in its answer.

    Notes
    -----
    After arXiv 2505.17155 Alg. 1 and 2, whose wording is not public. The answer of the verdict is never put in: the
    model says it itself, so that a wrong reading of ours cannot become its answer.
    """
    if verdict.force == "mild":
        return f"{MILD}{end_of_thinking}\n\n" if end_of_thinking else MILD
    return f"{FORCED}{end_of_thinking}\n\n" if end_of_thinking else f"{FORCED}\n**Final Answer**\n"
