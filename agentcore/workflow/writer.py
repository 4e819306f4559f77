"""Write the answer from the evidence files: extractive first, every claim on a cited span, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentcore.errors import BudgetExceededError, ModelFailedError, ModelOutputError
from agentcore.workflow.citations import Citation, Claim, cite, is_valid
from agentcore.workflow.cited_answer import answer_with_citations
from agentcore.workflow.dependencies import Dependencies
from agentcore.workflow.draft import Draft
from agentcore.workflow.ledger import Evidence, load_evidence, merge_evidence
from agentcore.workflow.reading.candidates import answer_key
from agentcore.workflow.reading.choosers import LinkedChooser
from agentcore.workflow.reading.passages import Encoder, Passage
from agentcore.workflow.reading.prompts import phrasing_prompt
from agentcore.workflow.reading.reader import Reading
from agentcore.workflow.reading.words import content_stems
from agentcore.workflow.recollection import known_answer
from agentcore.workflow.state import RunState
from agentcore.workflow.support import check_support

__all__ = ["NOT_FOUND", "write"]

NOT_FOUND = "not found"
_PHRASE_TOKENS = 48


def write(state: RunState, deps: Dependencies) -> dict[str, Any]:
    """Answer the question, cite, check, and write the report."""
    limit = state.get("limit")
    known = known_answer(state, deps)
    if known is not None:
        outcome = _from_memory(known, deps)
    else:
        outcome, reached = _from_evidence(state, deps)
        limit = limit or reached
    outcome["limit"] = limit
    outcome["report"] = deps.workspace.write("report.md", _report(state, outcome))
    deps.events.emit(
        "answer", **{key: outcome[key] for key in ("answer", "statement", "is_found", "citations", "mode")}
    )
    return {"outcome": outcome, "limit": limit, "spent": deps.budget.usage.as_dict()}


def _from_memory(known: dict[str, Any], deps: Dependencies) -> dict[str, Any]:
    """Give the remembered answer, whose citations were just found to hold."""
    citations = [Citation(**values) for values in known["citations"]]
    _keep_snapshots(citations, deps)
    statement = str(known.get("statement") or known["answer"])
    claim = _checked(statement, citations, deps.reader.encoder)
    return _outcome(
        str(known["answer"]), statement, [claim], citations, mode="memory", model=str(known["model"])
    )


def _from_evidence(state: RunState, deps: Dependencies) -> tuple[dict[str, Any], str | None]:
    """Read the evidence and answer from it; the limit that stopped the model, if one did."""
    evidence = _evidence(state, deps)
    model = deps.language.name
    if not evidence:
        return _outcome("", "", [], [], mode="none", model=model, is_found=False), None
    passages = merge_evidence(evidence[0], evidence[1:])
    reading, limit = _read(state["question"], passages, evidence[0], deps)
    if not reading.is_found or not reading.answer:
        outcome = _outcome("", "", [], [], mode=reading.mode, model=model, is_found=False)
        outcome |= {"nearest": [{"title": q.passage.title, "quote": q.text} for q in reading.support]}
    else:
        citations = list(cite([(q.passage, q.start, q.end) for q in reading.support], deps.snapshot))
        _keep_snapshots(citations, deps)
        statement, reached = _statement(state["question"], reading.answer, citations, deps)
        limit = limit or reached
        claims = _claims(reading, statement, citations, deps.reader.encoder)
        outcome = _outcome(reading.answer, statement, claims, citations, mode=reading.mode, model=model)
    outcome |= {
        "titles": list(dict.fromkeys(passage.title for passage in passages)),
        "sources": list(dict.fromkeys(passage.source for passage in passages)),
        "found_probability": reading.found_probability,
        "alternatives": list(reading.alternatives),
    }
    return outcome, limit


def _read(
    question: str, passages: Sequence[Passage], first: Evidence, deps: Dependencies
) -> tuple[Reading, str | None]:
    """Have the reader answer; at a limit it answers without the model."""

    def report(text: str) -> None:
        deps.events.emit("thinking", text=text)

    def read(chooser: Any) -> Reading:
        return deps.reader.read(
            question,
            passages,
            rarity=first.rarity,
            pair_score=first.pair_score,
            chooser=chooser,
            report=report,
        )

    try:
        if deps.chooser is None:
            return answer_with_citations(question, passages, first, deps), None
        return read(deps.chooser), None
    except BudgetExceededError as exc:
        return read(LinkedChooser(deps.reading)), exc.limit
    except (ModelFailedError, ModelOutputError) as exc:
        deps.events.emit("error", message=str(exc), recovered=True)
        return read(LinkedChooser(deps.reading)), "model"


def _statement(
    question: str, answer: str, citations: Sequence[Citation], deps: Dependencies
) -> tuple[str, str | None]:
    """Have the model phrase the answer; keep the sentence only if it adds no word to question and spans, and they support it."""
    plain = f"{answer[:1].upper()}{answer[1:].rstrip('.')}."
    if not deps.settings.phrase or not deps.language.completes or answer_key(answer) in ("yes", "no"):
        return plain, None
    try:
        deps.check_cancelled()
        with Draft(deps.events, deps.check_cancelled) as draft:
            text = deps.language.complete(
                phrasing_prompt(question, answer), max_tokens=_PHRASE_TOKENS, stop=("\n",), tell=draft.add
            )
    except BudgetExceededError as exc:
        return plain, exc.limit
    except ModelFailedError as exc:
        deps.events.emit("error", message=str(exc), recovered=True)
        return plain, None
    sentence = text.strip()
    says_it = f" {answer_key(answer)} " in f" {answer_key(sentence)} "
    sources = [question, answer, *(f"{citation.title}: {citation.quote}" for citation in citations)]
    adds_words = set(content_stems(sentence)) - set(content_stems(" ".join(sources)))
    if (
        not says_it
        or not sentence.endswith(".")
        or adds_words
        or not check_support(sentence, sources, encoder=deps.reader.encoder).is_supported
    ):
        return plain, None
    deps.events.emit("token", text=sentence)
    return sentence, None


def _evidence(state: RunState, deps: Dependencies) -> list[Evidence]:
    """Load what the seekers wrote down, the question's own first."""
    return [
        load_evidence(deps.workspace, finding["task"])
        for finding in state.get("findings", ())
        if finding["files"] and finding["status"] != "failed"
    ]


def _claims(reading: Reading, statement: str, citations: Sequence[Citation], encoder: Encoder) -> list[Claim]:
    """Check the answer, sentence by sentence where a model wrote several, each against its own spans."""
    if not citations:
        return [Claim(statement, (), False, ("no citation",))]
    if len(reading.statements) < 2:
        return [_checked(statement, citations, encoder)]
    return [
        _checked(said.text, [citations[place] for place in said.quotes] or citations, encoder)
        for said in reading.statements
    ]


def _checked(text: str, citations: Sequence[Citation], encoder: Encoder) -> Claim:
    """Check a sentence against its spans; "yes" and "no" have no words that spans could have."""
    if answer_key(text) in ("yes", "no"):
        return Claim(text, tuple(citation.number for citation in citations), True)
    spans = [f"{citation.title}: {citation.quote}" for citation in citations]
    verdict = check_support(text, spans, encoder=encoder)
    numbers = tuple(citation.number for citation in citations)
    return Claim(text, numbers, verdict.is_supported, verdict.problems)


def _keep_snapshots(citations: Sequence[Citation], deps: Dependencies) -> None:
    """Copy the cited documents into the run's folder, so that the run can be checked alone."""
    for citation in citations:
        if is_valid(citation, deps.snapshot):
            deps.workspace.write(f"snapshots/{citation.sha256}.txt", deps.snapshot(citation.sha256))


def _outcome(
    answer: str,
    statement: str,
    claims: Sequence[Claim],
    citations: Sequence[Citation],
    *,
    mode: str,
    model: str,
    is_found: bool = True,
) -> dict[str, Any]:
    """Build the writer's result, JSON values only."""
    return {
        "answer": answer if is_found else NOT_FOUND,
        "statement": statement if is_found else "Not found in the documents.",
        "is_found": is_found,
        "claims": [claim.as_dict() for claim in claims],
        "citations": [citation.as_dict() for citation in citations],
        "mode": mode,
        "model": model,
        "titles": list(dict.fromkeys(citation.title for citation in citations)),
        "sources": list(dict.fromkeys(citation.source for citation in citations)),
        "found_probability": 1.0 if is_found else 0.0,
        "alternatives": [],
    }


def _why(limit: str) -> str:
    """Say in words why a result is partial."""
    return "the model failed" if limit == "model" else f"the limit of {limit} was reached"


def _report(state: RunState, outcome: dict[str, Any]) -> str:
    """Write the report for people: answer, evidence, what is not supported, who wrote it."""
    numbers = "".join(f"[{citation['number']}]" for citation in outcome["citations"])
    lines = [f"# {state['question']}", "", f"{outcome['statement']} {numbers}".strip(), ""]
    if outcome["citations"]:
        lines += ["## Evidence", ""]
        lines += [
            f"[{c['number']}] {c['title']} ({c['source']}, {c['start']}-{c['end']}): {c['quote']}"
            for c in outcome["citations"]
        ]
        lines.append("")
    if outcome.get("nearest"):
        lines += [
            "## Nearest passages",
            "",
            *(f"- {n['title']}: {n['quote']}" for n in outcome["nearest"]),
            "",
        ]
    problems = [
        f"- {claim['text']}: {problem}" for claim in outcome["claims"] for problem in claim["problems"]
    ]
    if problems:
        lines += ["## Not supported by the cited spans", "", *problems, ""]
    failed = [f for f in state.get("findings", ()) if f["status"] != "completed"]
    if failed:
        lines += [
            "## What could not be looked up",
            "",
            *(f"- {f['task']}: {f.get('reason', '')}" for f in failed),
            "",
        ]
    if outcome["limit"]:
        lines += [f"This is a partial result: {_why(outcome['limit'])}.", ""]
    lines.append(f"Model: {outcome['model']}; answer chosen by: {outcome['mode']}.")
    return "\n".join(lines) + "\n"
