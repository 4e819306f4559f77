"""What the online system asks of a verifier: two small async protocols, and the progress of a stream that they see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from agentcore.decoding.trimming._segmenter import Thought
from agentcore.decoding.trimming._verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stream has come when a message about it is sent.

    Attributes
    ----------
    question : str
        The user's question.
    pieces : sequence of str
        The stream so far, as it came; only the first `num_pieces` belong to this message (the list grows on).
    num_pieces : int
        How many of them had come.
    thoughts : tuple of Thought
        The complete thoughts so far, oldest first.
    num_tokens : int
        Tokens so far, estimated where ids are unknown.
    handle : object, optional
        What a self-probe forks: the local engine's cache at this point.
    """

    question: str
    pieces: Sequence[str]
    num_pieces: int
    thoughts: tuple[Thought, ...]
    num_tokens: int
    handle: object | None = None

    @property
    def thinking(self) -> str:
        """The whole text so far."""
        return "".join(self.pieces[: self.num_pieces])


class Watcher(Protocol):
    """Follows one stream."""

    async def look(self, progress: Progress) -> Verdict | None:
        """Judge the stream as it stands; None to let it go on. Never called twice at once for one stream."""
        ...


@runtime_checkable
class StopSignal(Protocol):
    """A way to find out that a stream should end; makes one `Watcher` per stream.

    Both families implement it: verifiers that compare conclusions (`AgreementSignal`) and probes of the model itself
    (`SelfProbe`).
    """

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    @property
    def tokens_spent(self) -> int:
        """Tokens that its models have read and written so far: the cost of trimming."""
        ...

    def watch(self, question: str) -> Watcher:
        """Begin to follow a stream."""
        ...


@runtime_checkable
class Verifier(Protocol):
    """Answers the paper's two binary questions about conclusions, each as a probability of yes.

    From arXiv 2505.17155 section 3.2.
    """

    @property
    def name(self) -> str:
        """What reports and the verdict cache call it."""
        ...

    @property
    def tokens_spent(self) -> int:
        """Tokens read and written so far."""
        ...

    async def states_answer(self, question: str, snippet: str) -> float:
        """Return how likely a snippet states a (candidate) answer."""
        ...

    async def same_result(self, question: str, first: str, second: str) -> float:
        """Return how likely two snippets reach the same result."""
        ...
