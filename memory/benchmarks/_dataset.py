"""What a retrieval benchmark is made of, whatever file it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

__all__ = ["Dataset", "DatasetError", "Item", "Partition", "Question", "checked"]


class DatasetError(ValueError):
    """A data file is not in the format it should be in."""

    def __init__(self, path: str | Path, *, reason: str) -> None:
        self.path = str(path)
        super().__init__(f"{str(path)!r} is not a benchmark file of this format: {reason}")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to remember: a turn of a conversation.

    Attributes
    ----------
    session : str
        Items of one session stand in the order of the data.
    speaker : str or None
        A name; None where there are only roles.
    """

    id: str
    text: str
    session: str
    timestamp: datetime
    speaker: str | None = None
    role: str | None = None
    caption: str | None = None

    @property
    def document(self) -> str:
        """Speaker, date and text in one line: the form in which single-vector and BM25 search find the most."""
        who = self.speaker or self.role or ""
        day = f"{self.timestamp.day} {self.timestamp:%B %Y}"
        head = f"{who} ({day}): " if who else f"({day}) "
        image = f" [image: {self.caption}]" if self.caption else ""
        return f"{head}{self.text}{image}"


@dataclass(frozen=True, slots=True)
class Question:
    """A query with what should be found.

    Attributes
    ----------
    evidence : tuple of str
        Ids of items.
    category : str
        The data set's own.
    answerable : bool
        False where the right answer is to abstain.
    asked_at : datetime or None
        What "now" is for the question; None: after the last item.
    """

    id: str
    text: str
    evidence: tuple[str, ...]
    category: str
    answerable: bool = True
    asked_at: datetime | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """A user: what was said, and questions about it. A question searches its own partition only."""

    id: str
    items: Sequence[Item]
    questions: Sequence[Question]

    def session_of(self) -> Mapping[str, str]:
        """Return the session of every item id."""
        return {item.id: item.session for item in self.items}


@dataclass(frozen=True, slots=True)
class Dataset:
    """A benchmark's data.

    Attributes
    ----------
    skipped : Mapping[str, int]
        How many questions were left out, by reason.
    """

    name: str
    partitions: Sequence[Partition]
    skipped: Mapping[str, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Partition]:
        return iter(self.partitions)

    def num_questions(self) -> int:
        """Count the questions of all partitions."""
        return sum(len(partition.questions) for partition in self.partitions)


def checked(dataset: Dataset, path: str | Path) -> Dataset:
    """Return the data where there is something to measure and every id stands once.

    Raises
    ------
    DatasetError
        No question has evidence, or an id stands twice.
    """
    if not dataset.num_questions():
        raise DatasetError(path, reason="it holds no question whose evidence is there")
    groups = [[partition.id for partition in dataset]]
    groups += [[item.id for item in partition.items] for partition in dataset]
    for ids in groups:
        twice = [name for name, count in Counter(ids).items() if count > 1]
        if twice:
            raise DatasetError(path, reason=f"the id {twice[0]!r} stands twice")
    return dataset
