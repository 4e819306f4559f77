"""Model verifiers and probes on recorded traces: named in ``--compare``, because they need weights and time.

The stop signals run as in the online system, but without its latency: every message is answered before the next piece. A probe's
reader is the embedded model, not the model that thought: a recording cannot be probed, and the rows say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agentcore.decoding.trimming import (
    DEER,
    AgreementSignal,
    CachedVerifier,
    CascadeVerifier,
    EmbeddingVerifier,
    LikelihoodVerifier,
    LocalYesNo,
    Probe,
    Progress,
    RuleVerifier,
    SelfProbe,
    StopSignal,
    Thought,
    ThoughtSegmenter,
    TrimmingConfig,
)
from agentcore.errors import ConfigurationError, MissingModelError
from agentcore.evaluation.trimming_traces import Cut, Trace
from agentcore.models import path_of

NAMES: Mapping[str, str] = {
    "verifier_rule": "Alg. 1 as the online system runs it, rule verifier, looks every 50 tokens",
    "verifier_embedding": "Alg. 1 with MiniLM's cosine above .8 as equivalence",
    "verifier_smollm2": "Alg. 1 with the embedded 135M model's Yes/No behind the rules",
    "deer_95_smollm2": "DEER at .95, the trial answers written by the embedded 135M model, not by the model that thought",
}
"""What can be named in ``--compare`` beside the rule detectors, and what each row is."""

_PROBE_CHARACTERS = 3000


def signal_for(name: str, config: TrimmingConfig) -> StopSignal:
    """Return one named stop signal.

    Raises
    ------
    ConfigurationError
        If there is none of that name.
    MissingModelError
        If its weights are not on this machine.
    """
    paper = replace(config, over_rule="reset")
    if name == "verifier_rule":
        return AgreementSignal(CachedVerifier(RuleVerifier()), paper)
    if name == "verifier_embedding":
        from agentcore.memory.embedding import default_embedder

        embedder = default_embedder()
        return AgreementSignal(
            CachedVerifier(EmbeddingVerifier(lambda texts: embedder.embed(texts).tolist(), threshold=0.8)),
            paper,
        )
    if name == "verifier_smollm2":
        model = LikelihoodVerifier(LocalYesNo(_engine()), name="smollm2")
        return AgreementSignal(CachedVerifier(CascadeVerifier(RuleVerifier(), model)), paper)
    if name == "deer_95_smollm2":
        return SelfProbe(_Reader(_engine()), DEER)
    raise ConfigurationError(f"nothing to compare is called {name!r}: use {', '.join(sorted(NAMES))}")


def signal_cuts(traces: Sequence[Trace], signal: StopSignal, config: TrimmingConfig) -> list[Cut]:
    """Cut every trace as a stop signal says."""
    return asyncio.run(_cuts(traces, signal, config))


async def _cuts(traces: Sequence[Trace], signal: StopSignal, config: TrimmingConfig) -> list[Cut]:
    return [await _cut(trace, signal, config) for trace in traces]


async def _cut(trace: Trace, signal: StopSignal, config: TrimmingConfig) -> Cut:
    """Feed one trace in messages of `interval` tokens."""
    watcher, segmenter = signal.watch(trace.problem), ThoughtSegmenter(config)
    step = max(1, round(config.interval * trace.characters_per_token))
    pieces: list[str] = []
    thoughts: list[Thought] = []
    for start in range(0, len(trace.text), step):
        pieces.append(trace.text[start : start + step])
        thoughts += segmenter.push(pieces[-1])
        tokens = round((start + step) / trace.characters_per_token)
        progress = Progress(trace.problem, pieces, len(pieces), tuple(thoughts), tokens)
        verdict = await watcher.look(progress)
        position = start + step
        if verdict is not None and position < len(trace.text):
            value = verdict.answer
            return Cut(
                position / len(trace.text),
                None if value is None else value.key,
                verdict.reason,
                len(thoughts),
            )
    return Cut(1.0, trace.final_answer, thoughts=len(thoughts))


class _Reader:
    """Writes trial answers with the embedded model, from the problem and the end of the thinking so far."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    async def probe(self, progress: Progress, suffix: str, *, max_tokens: int) -> Probe:
        """Return what the reader writes after the thinking and a suffix."""
        import math

        from agentcore.decoding import generate

        text = f"Problem: {progress.question}\n\n{progress.thinking[-_PROBE_CHARACTERS:]}{suffix}"
        steps = list(
            generate(
                self._engine,
                self._engine.tokenizer.encode(text),
                max_new_tokens=max_tokens,
                stop=["}"],
                logprobs=True,
            )
        )
        chances = [math.exp(step.logprob) for step in steps if step.logprob is not None]
        written = "".join(step.text for step in steps)
        return Probe(written + "}", sum(chances) / len(chances) if chances else 0.0, len(steps))


def _engine() -> Any:
    """Load the embedded model."""
    from agentcore.decoding import load_gguf

    path = path_of("smollm2")
    if path is None:
        raise MissingModelError("smollm2")
    return load_gguf(path)
