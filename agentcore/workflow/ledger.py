"""The evidence of a run: what each seeker found, kept in files, and how it is put in one order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from agentcore.workflow.reading.passages import Passage
from agentcore.workflow.workspace import Workspace

__all__ = ["Evidence", "load_evidence", "merge_evidence", "save_evidence"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one seeker found.

    Attributes
    ----------
    task : str
        Whose evidence it is.
    passages : tuple of Passage
        Best first.
    pair_score : float
        Of the best pair of passages.
    rarity : mapping
        Inverse document frequency of the stems of the question and of the titles, over all passages seen.
    """

    task: str
    passages: tuple[Passage, ...]
    pair_score: float
    rarity: Mapping[str, float]


def save_evidence(workspace: Workspace, evidence: Evidence) -> list[str]:
    """Write a seeker's evidence into its folder of the workspace and return the files' names."""
    folder = f"seekers/{evidence.task}"
    signals = {"pair_score": evidence.pair_score, "rarity": dict(evidence.rarity)}
    return [
        workspace.write_rows(f"{folder}/evidence.jsonl", (asdict(passage) for passage in evidence.passages)),
        workspace.write_rows(f"{folder}/signals.jsonl", [signals]),
    ]


def load_evidence(workspace: Workspace, task: str) -> Evidence:
    """Read a seeker's evidence."""
    folder = f"seekers/{task}"
    rows = workspace.read_rows(f"{folder}/evidence.jsonl")
    (signals,) = workspace.read_rows(f"{folder}/signals.jsonl")
    return Evidence(task, tuple(Passage(**row) for row in rows), signals["pair_score"], signals["rarity"])


def merge_evidence(
    question: Evidence | None, others: Iterable[Evidence], *, first: int = 3
) -> tuple[Passage, ...]:
    """Put the evidence of all seekers in one order, without repetition.

    The question's own evidence comes first; from each other seeker its best passage moves up behind the
    question's first few, the rest follows in turn.

    Parameters
    ----------
    question : Evidence or None
        Of the seeker that had the whole question.
    others : iterable of Evidence
        Of the seekers that had parts of it.
    first : int
        How many passages of the question's nobody moves.
    """
    own: Sequence[Passage] = question.passages if question else ()
    parts = [evidence.passages for evidence in others if evidence.passages]
    order = [*own[:first], *(part[0] for part in parts), *own[first:]]
    longest = max((len(part) for part in parts), default=0)
    order += [part[rank] for rank in range(1, longest) for part in parts if rank < len(part)]
    return _unique(order)


def _unique(passages: Iterable[Passage]) -> tuple[Passage, ...]:
    """Drop repeated passages, keeping the first place of each."""
    kept: dict[tuple[str, int, int], Passage] = {}
    for passage in passages:
        kept.setdefault(passage.key, passage)
    return tuple(kept.values())
