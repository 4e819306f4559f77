"""A seeker: looks one task up in its own context and hands back a summary and paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentcore.errors import AgentError, BudgetExceededError, RunCancelledError
from agentcore.tools import ToolError
from agentcore.workflow.dependencies import Dependencies
from agentcore.workflow.ledger import Evidence, save_evidence
from agentcore.workflow.reading.beam import Beam, two_hop
from agentcore.workflow.reading.coverage import inverse_frequencies
from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.reading.words import content_stems, sentence_spans
from agentcore.workflow.state import Finding, FindingStatus, SeekerState, Task
from agentcore.workflow.tool_use import use_tools

__all__ = ["seek"]

_SUMMARY_TITLES = 5


def seek(state: SeekerState, deps: Dependencies) -> dict[str, Any]:
    """Search the corpus for a task by two hops and write the evidence down.

    A failure ends this seeker alone: it returns a finding with status ``failed`` and the reason. At a limit of
    the budget the status is ``partial``, with what was found until then.
    """
    task = state["task"]
    path = (f"seeker-{task['id']}",)
    deps.events.emit("seeker_started", path=path, task=dict(task))
    try:
        deps.check_cancelled()
        found, reached = _search(task, path, deps) if deps.corpus is not None else (Beam((), 0.0, ()), None)
        if len(deps.tools) and deps.language.mode == "chat" and reached is None:
            looked_up, reached = use_tools(task, path, deps)
            found = _joined(looked_up, found)
    except RunCancelledError:
        raise
    except (AgentError, ToolError, OSError) as exc:
        deps.events.emit("error", path=path, message=str(exc), recovered=True)
        return _report(task, "failed", str(exc), [], deps, path=path)
    if reached is not None:
        files = _save(task, found, deps) if found.passages else []
        return _report(task, "partial", str(reached), files, deps, path=path, limit=reached.limit)
    if not found.passages:
        return _report(task, "failed", _nothing(deps), [], deps, path=path)
    return _report(task, "completed", _summary(found.passages), _save(task, found, deps), deps, path=path)


def _search(task: Task, path: tuple[str, ...], deps: Dependencies) -> tuple[Beam, BudgetExceededError | None]:
    """Run the two-hop search, each search counted as a tool call.

    At a limit only the question's own first search is still made, so that the answer has something to rest on.
    """
    corpus = deps.corpus
    assert corpus is not None  # the caller looked
    reached: list[BudgetExceededError] = []

    def found_by(query: str, limit: int) -> Sequence[Passage]:
        return [Passage.of(hit) for hit in corpus.search(query, limit)]

    def search(query: str, limit: int) -> Sequence[Passage]:
        deps.check_cancelled()
        is_first = task["role"] == "question" and query == task["question"]
        try:
            deps.budget.count_tool_call()
            if not is_first:
                return deps.budget.in_time(lambda: found_by(query, limit))
        except BudgetExceededError as exc:
            reached.append(exc)
            if not is_first:
                return ()
        return found_by(query, limit)

    # One event for the whole beam: its follow-up searches are the question with a passage behind it.
    arguments = {"query": task["question"][:300], "follow_ups": deps.reading.beam_width}
    deps.events.emit("tool_call", path=path, name="search_corpus", arguments=arguments)
    size = len(getattr(corpus, "sources", ()))
    found = two_hop(task["question"], search, settings=deps.reading, size=size)
    titles = list(dict.fromkeys(passage.title for passage in found.passages))
    deps.events.emit("tool_result", path=path, name="search_corpus", count=len(found.pool), first=titles[:5])
    return found, reached[0] if reached else None


def _joined(from_tools: Sequence[Passage], found: Beam) -> Beam:
    """Put what tools gave behind the first passages of the corpus."""
    passages = (*found.passages[:3], *from_tools, *found.passages[3:])
    return Beam(passages, found.pair_score, (*found.pool, *from_tools))


def _nothing(deps: Dependencies) -> str:
    """Say why nothing was found."""
    if deps.corpus is not None:
        return "the corpus has nothing on it"
    return (
        "the tools gave nothing"
        if len(deps.tools)
        else "there are neither documents nor tools: give a corpus"
    )


def _save(task: Task, found: Beam, deps: Dependencies) -> list[str]:
    """Write the evidence with the rarity of the stems that reading needs."""
    rarity = inverse_frequencies(found.pool)
    titles = " ".join(passage.title for passage in found.passages)
    needed = set(content_stems(f"{task['question']} {titles}")) & set(rarity)
    unseen = {"": max(rarity.values(), default=1.0)}  # no stem is empty: it only keeps the largest value
    kept = unseen | {stem: rarity[stem] for stem in sorted(needed)}
    return save_evidence(deps.workspace, Evidence(task["id"], found.passages, found.pair_score, kept))


def _summary(passages: Sequence[Passage]) -> str:
    """Say in a few lines what was found: titles with their opening sentences."""
    lines = []
    for passage in {p.title: p for p in reversed(passages)}.values():
        start, end = sentence_spans(passage.text)[0] if passage.text.strip() else (0, 0)
        lines.append(f"{passage.title}: {passage.text[start:end][:160]}")
    return "\n".join(lines[::-1][:_SUMMARY_TITLES])


def _report(
    task: Task,
    status: FindingStatus,
    text: str,
    files: list[str],
    deps: Dependencies,
    *,
    path: tuple[str, ...],
    limit: str | None = None,
) -> dict[str, Any]:
    """Build the seeker's output."""
    finding = Finding(
        task=task["id"], status=status, summary=text if status == "completed" else "", files=files
    )
    if status != "completed":
        finding["reason"] = text
    deps.events.emit("thinking", path=path, text=f"{status}: {text.splitlines()[0] if text else ''}"[:300])
    return {"findings": [finding], "limit": limit, "spent": deps.budget.usage.as_dict()}
