"""Ask the model itself: fork at a thought boundary, let it write a few answer tokens, and drop them again."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from agentcore.decoding.trimming._answers import equivalent, extract_answer
from agentcore.decoding.trimming._signals import Progress, Watcher
from agentcore.decoding.trimming._values import Answer, answer, boxed
from agentcore.decoding.trimming._verdicts import Verdict

DEER_SUFFIX: Final = "\n\n**Final Answer**\n\n\\[ \\boxed{"
DYNASOR_SUFFIX: Final = (
    "... Oh, I suddenly got the answer to the whole problem, **Final Answer**:\n\n\\[ \\boxed{"
)

_UNCERTAIN = re.compile(r"\b(?:wait|hold|but|okay|no|hmm)\b", re.I)


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe gave: its text after the suffix, the mean probability of its tokens, and how many they were."""

    text: str
    confidence: float
    num_tokens: int


class Prober(Protocol):
    """Continues a forked stream for a few tokens."""

    async def probe(self, progress: Progress, suffix: str, *, max_tokens: int) -> Probe:
        """Return what the model writes after its thinking so far and a suffix; the stream itself is not touched."""
        ...


@dataclass(frozen=True, slots=True)
class ProbeRule:
    """When a self-probe is made and what stops the stream.

    Attributes
    ----------
    name : str
        What reports call it.
    suffix : str
        Text that makes the model answer.
    interval : int
        Tokens between probes; 0 probes at each thought boundary.
    confidence : float
        Mean token probability from which one probe is enough; above 1 for never.
    agreeing : int
        Equal, certain probes in a row that are enough; 0 for never.
    max_tokens : int
        Length of a probe.
    max_probes : int
        Probes of one stream; 0 for no limit.
    """

    name: str
    suffix: str
    interval: int
    confidence: float
    agreeing: int
    max_tokens: int = 20
    max_probes: int = 0


DEER: Final = ProbeRule("deer_95", DEER_SUFFIX, interval=0, confidence=0.95, agreeing=0, max_probes=50)
"""After DEER (iie-ycx/DEER ``vllm-deer.py``): threshold .95 at "Wait", 20 tokens, its authors' advised 50 probes."""

DYNASOR_MID: Final = ProbeRule("dynasor_mid", DYNASOR_SUFFIX, interval=64, confidence=2.0, agreeing=3)
"""After Dynasor (hao-ai-lab/Dynasor ``core/cot.py``, mid): three equal probes, 64 tokens apart, none of them uncertain.

Uncertain words count as whole words only; there they are substrings, so that "now" holds a "no".
"""


class SelfProbe:
    """A stop signal that asks the thinking model itself, as DEER and Dynasor do; differs from both in never making it wait.

    Parameters
    ----------
    prober : Prober
        The local engine's fork, or a server that can continue an assistant's text.
    rule : ProbeRule
        `DEER` or `DYNASOR_MID`, or your own.
    """

    def __init__(self, prober: Prober, rule: ProbeRule = DEER) -> None:
        self._prober = prober
        self._rule = rule
        self.name = f"self_probe/{rule.name}"
        self.tokens_spent = 0

    def watch(self, question: str) -> Watcher:
        """Begin to follow a stream."""
        del question
        return _ProbeWatcher(self, self._prober, self._rule)


class _ProbeWatcher:
    """The probes of one stream."""

    def __init__(self, owner: SelfProbe, prober: Prober, rule: ProbeRule) -> None:
        self._owner = owner
        self._prober = prober
        self._rule = rule
        self._num_thoughts = 0
        self._num_probes = 0
        self._last_at = 0
        self._recent: deque[tuple[Answer, bool]] = deque(maxlen=max(1, rule.agreeing))

    async def look(self, progress: Progress) -> Verdict | None:
        """Probe where the rule says so."""
        if not self._is_due(progress):
            return None
        self._num_thoughts, self._last_at = len(progress.thoughts), progress.num_tokens
        self._num_probes += 1
        probe = await self._prober.probe(progress, self._rule.suffix, max_tokens=self._rule.max_tokens)
        self._owner.tokens_spent += probe.num_tokens
        value = _probed_answer(probe.text)
        if value is None:
            self._recent.clear()
            return None
        self._recent.append((value, not _UNCERTAIN.search(probe.text)))
        if probe.confidence > self._rule.confidence:
            return Verdict("over_thinking", 0, value, f"the probe is sure ({probe.confidence:.2f})")
        if self._rule.agreeing and len(self._recent) == self._rule.agreeing and self._agree():
            return Verdict("over_thinking", 0, value, f"{self._rule.agreeing} probes agree")
        return None

    def _is_due(self, progress: Progress) -> bool:
        if self._rule.max_probes and self._num_probes >= self._rule.max_probes:
            return False
        if self._rule.interval:
            return progress.num_tokens - self._last_at >= self._rule.interval
        return len(progress.thoughts) > self._num_thoughts

    def _agree(self) -> bool:
        """Whether the recent probes are certain and equal."""
        first = self._recent[0][0]
        return all(certain and equivalent(first, value) for value, certain in self._recent)


def _probed_answer(text: str) -> Answer | None:
    """Return the answer of a probe, whose box was opened by the suffix."""
    inner = boxed("\\boxed{" + text)
    return (
        answer(inner) if inner is not None else extract_answer(text.splitlines()[0]) if text.strip() else None
    )
