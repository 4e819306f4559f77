"""Recall before planning, remember after writing.

A remembered finding carries its citations, so that it can be checked again before it is used: it counts only
while every cited span still stands in a snapshot that the corpus keeps.
"""

from __future__ import annotations

from typing import Any

from agentcore.workflow.citations import Citation, is_valid
from agentcore.workflow.dependencies import Dependencies
from agentcore.workflow.reading.words import word_key
from agentcore.workflow.state import Recollection, RunState

__all__ = ["NAMESPACE", "known_answer", "recall", "remember"]

NAMESPACE = "findings"


def recall(state: RunState, deps: Dependencies) -> dict[str, Any]:
    """Look up what earlier runs of this user found out about the question."""
    if deps.memory is None or deps.settings.recalled == 0:
        return {"recalled": []}
    hits = deps.memory.search(
        state["question"], user_id=deps.user_id, limit=deps.settings.recalled, namespace=NAMESPACE
    )
    recalled = [
        Recollection(id=str(hit.id), text=hit.text, score=float(hit.score), metadata=dict(hit.metadata or {}))
        for hit in hits
    ]
    deps.events.emit(
        "memory_hits",
        hits=[{"id": r["id"], "text": r["text"], "score": round(r["score"], 3)} for r in recalled],
    )
    return {"recalled": recalled}


def known_answer(state: RunState, deps: Dependencies) -> dict[str, Any] | None:
    """Return the remembered answer to this very question while all its citations still hold, else None."""
    if deps.corpus is None:
        return None
    asked = word_key(state["question"])
    for recollection in state.get("recalled", ()):
        metadata = recollection["metadata"]
        citations = metadata.get("citations") or []
        if (
            word_key(str(metadata.get("question", ""))) != asked
            or not citations
            or not metadata.get("answer")
        ):
            continue
        if metadata.get("sources") and all(
            is_valid(Citation(**values), deps.corpus.snapshot) for values in citations
        ):
            return metadata
    return None


def remember(state: RunState, deps: Dependencies) -> dict[str, Any]:
    """Keep the answer with its citations, once: an older answer to the same question is replaced."""
    outcome = state.get("outcome") or {}
    if deps.memory is None or not outcome.get("is_found") or outcome.get("mode") == "memory":
        return {}
    asked = word_key(state["question"])
    for recollection in state.get("recalled", ()):
        if word_key(str(recollection["metadata"].get("question", ""))) == asked:
            deps.memory.delete(recollection["id"])
    sources = sorted({citation["source"] for citation in outcome["citations"]})
    deps.memory.add(
        f"{state['question']} {outcome['statement']}",
        user_id=deps.user_id,
        namespace=NAMESPACE,
        metadata={
            "question": state["question"],
            "answer": outcome["answer"],
            "statement": outcome["statement"],
            "citations": outcome["citations"],
            "sources": sources,
            "model": outcome["model"],
            "mode": outcome["mode"],
        },
    )
    return {}
