"""The paper's over-thinking detector over any verifier, as a stop signal."""

from __future__ import annotations

from agentcore.decoding.trimming._agreement import ClassCounter, ResetCounter
from agentcore.decoding.trimming._answers import conclusion, extract_answer
from agentcore.decoding.trimming._config import TrimmingConfig
from agentcore.decoding.trimming._signals import Progress, Verifier, Watcher
from agentcore.decoding.trimming._verdicts import Verdict


class AgreementSignal:
    """Stop when consecutive conclusions agree (arXiv 2505.17155, Alg. 1), judged by a verifier.

    Parameters
    ----------
    verifier : Verifier
        Judges existence and equivalence; more likely than not counts as yes.
    config : TrimmingConfig, optional
        `agreements`; `over_rule` ``classes`` counts classes of equal answers instead of runs.
    """

    def __init__(self, verifier: Verifier, config: TrimmingConfig | None = None) -> None:
        self._verifier = verifier
        self._config = config or TrimmingConfig(over_rule="reset")
        self.name = f"agreement/{verifier.name}"

    @property
    def tokens_spent(self) -> int:
        """Tokens of the verifier."""
        return self._verifier.tokens_spent

    def watch(self, question: str) -> Watcher:
        """Begin to follow a stream."""
        return _AgreementWatcher(self._verifier, self._config, question)


class _AgreementWatcher:
    """The conclusions of one stream that state an answer, and how they agree."""

    def __init__(self, verifier: Verifier, config: TrimmingConfig, question: str) -> None:
        self._verifier = verifier
        self._config = config
        self._question = question
        self._num_seen = 0
        self._kept: list[str] = []
        self._run = ResetCounter(config.agreements)
        self._classes = ClassCounter(config.agreements)

    async def look(self, progress: Progress) -> Verdict | None:
        """Judge the thoughts that are new; a thought counts as seen only once its judgement is complete."""
        for thought in progress.thoughts[self._num_seen :]:
            snippet = conclusion(thought.text, self._config)
            fires = await self._judge(snippet)
            self._num_seen += 1
            if fires:
                value = extract_answer(snippet)
                return Verdict(
                    "over_thinking", thought.end, value, f"conclusions agree ({self._verifier.name})"
                )
        return None

    async def _judge(self, snippet: str) -> bool:
        """Return whether a conclusion completes an agreement."""
        if await self._verifier.states_answer(self._question, snippet) <= 0.5:
            return False
        if self._config.over_rule == "classes":
            same = [
                index
                for index in self._classes.representatives()
                if await self._same(self._kept[index], snippet)
            ]
            fires = self._classes.add(same_as=tuple(same))
        else:
            fires = self._run.add(
                same_as_previous=bool(self._kept) and await self._same(self._kept[-1], snippet)
            )
        self._kept.append(snippet)
        return fires

    async def _same(self, first: str, second: str) -> bool:
        return await self._verifier.same_result(self._question, first, second) > 0.5
