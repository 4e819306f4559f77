"""What a run gives: the answer, the spans it rests on, what it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from agentcore.events import Event
from agentcore.middleware.budget import Budget
from agentcore.workflow.citations import Citation, Claim
from agentcore.workflow.record import RunRecord
from agentcore.workflow.state import Turn

__all__ = ["Result", "Status", "result_of"]

Status = Literal["done", "partial", "not_found", "failed"]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run gave.

    Attributes
    ----------
    question : str
        What was asked.
    understood : str
        The question as it was worked on: what the conversation before it means is put in.
    answer : str
        A few words, or ``"not found"``.
    statement : str
        The answer as a sentence.
    citations : tuple of Citation
        The spans the answer rests on.
    claims : tuple of Claim
        The sentences of the answer, each with what its spans do not support.
    is_found : bool
        False when the documents do not hold an answer.
    status : "done", "partial", "not_found" or "failed"
        ``partial``: a limit was reached, the answer is what was there. ``not_found``: all was looked at and the
        documents do not hold an answer.
    limit : str or None
        The limit that was reached.
    report_path : Path or None
        The report, Markdown.
    usage : mapping
        Tokens, calls, seconds.
    trace : tuple of Event
        Everything that happened, in order.
    run_id : str
        Name of the run, to resume it by.
    model, mode : str
        Which model answered and how the answer was chosen.
    details : mapping
        What the writer knew besides: order of titles, signals, alternatives.
    """

    question: str
    understood: str
    answer: str
    statement: str
    citations: tuple[Citation, ...]
    claims: tuple[Claim, ...]
    is_found: bool
    status: Status
    limit: str | None
    report_path: Path | None
    usage: Mapping[str, float]
    trace: tuple[Event, ...]
    run_id: str
    model: str
    mode: str
    details: Mapping[str, Any]

    def as_turn(self) -> Turn:
        """Return the result as a turn of the conversation of the next question."""
        titles = [citation.title for citation in self.citations]
        return Turn(question=self.understood, answer=self.answer, titles=titles)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values, without the trace."""
        supported = {number for claim in self.claims if claim.is_supported for number in claim.citations}
        return {
            "run_id": self.run_id,
            "question": self.question,
            "understood": self.understood,
            "status": self.status,
            "answer": self.answer,
            "statement": self.statement,
            "found": self.is_found,
            "limit": self.limit,
            "citations": [{**c.as_dict(), "supported": c.number in supported} for c in self.citations],
            "claims": [claim.as_dict() for claim in self.claims],
            "report_path": None if self.report_path is None else str(self.report_path),
            "usage": dict(self.usage),
            "model": self.model,
            "mode": self.mode,
        }


def result_of(record: RunRecord, state: Mapping[str, Any], budget: Budget) -> Result:
    """Turn the final state of a run into its result; the trace is added when the run is over."""
    outcome = state["outcome"]
    status: Status = "partial" if outcome["limit"] else "done" if outcome["is_found"] else "not_found"
    return Result(
        question=record.question,
        understood=state["question"],
        answer=outcome["answer"],
        statement=outcome["statement"],
        citations=tuple(Citation(**values) for values in outcome["citations"]),
        claims=tuple(Claim.from_dict(values) for values in outcome["claims"]),
        is_found=outcome["is_found"],
        status=status,
        limit=outcome["limit"],
        report_path=record.workspace.path(outcome["report"]),
        usage=budget.usage.as_dict(),
        trace=(),
        run_id=record.run_id,
        model=outcome["model"],
        mode=outcome["mode"],
        details={key: outcome[key] for key in ("titles", "sources", "found_probability", "alternatives")},
    )
