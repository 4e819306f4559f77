"""Understand a question as part of its conversation: the run works on a question that stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentcore.errors import BudgetExceededError, ModelFailedError, ModelOutputError
from agentcore.workflow.dependencies import Dependencies
from agentcore.workflow.follow_up import (
    Exchange,
    Reference,
    depends_on_conversation,
    reference_of,
    stand_alone,
)
from agentcore.workflow.reading.wording import by_verb
from agentcore.workflow.reading.words import title_key
from agentcore.workflow.state import RunState

__all__ = ["understand"]

_LOOKED_AT = 6  # turns: what a follow-up means lies close
_SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string", "minLength": 3, "maxLength": 500}},
    "required": ["question"],
    "additionalProperties": False,
}
_SYSTEM = (
    "You are given a conversation and its next question. Rewrite the next question so that it can be understood without "
    "the conversation: put in the names that its pronouns and omissions mean, and change nothing else. Do not answer "
    "it. A question that stands alone already is returned as it is."
)


def understand(state: RunState, deps: Dependencies) -> dict[str, Any]:
    """Make the question stand alone, when the conversation before it may be needed for that."""
    asked = state["question"]
    exchanges = [
        Exchange(turn["question"], turn["answer"], tuple(turn["titles"]))
        for turn in state.get("conversation", [])[-_LOOKED_AT:]
    ]
    question = asked
    if exchanges and depends_on_conversation(asked):
        question = _rewritten(asked, exchanges, deps)
    if deps.chooser is not None:  # a chat model knows that a birthplace is where one was born
        question = by_verb(question)
    if question != asked:
        deps.events.emit("thinking", text=f"understood as: {question}")
    return {"asked": asked, "question": question, "spent": deps.budget.usage.as_dict()}


def _rewritten(asked: str, exchanges: Sequence[Exchange], deps: Dependencies) -> str:
    """Have a capable model rewrite the question; small ones, and those that fail, are replaced by rules."""
    if deps.language.mode == "chat" and not deps.language.completes:
        turns = [line for turn in exchanges for line in (f"User: {turn.question}", f"Agent: {turn.answer}")]
        material = "\n".join([*turns, "", f"Next question: {asked}"])
        try:
            deps.check_cancelled()
            return str(deps.language.ask_json(_SYSTEM, material, _SCHEMA)["question"]).strip() or asked
        except BudgetExceededError:
            pass  # the rules cost nothing; the planner meets the limit again
        except (ModelFailedError, ModelOutputError) as exc:
            deps.events.emit("error", message=str(exc), recovered=True)
    return stand_alone(asked, exchanges, lambda name: _reference(name, deps))


def _reference(name: str, deps: Dependencies) -> Reference:
    """Look up how the document about a name speaks of it."""
    if deps.corpus is None:
        return "unknown"
    key = title_key(name)
    about = [hit for hit in deps.corpus.search(name, 5) if title_key(hit.title) == key]
    return reference_of("\n".join(hit.text for hit in about)) if about else "unknown"
