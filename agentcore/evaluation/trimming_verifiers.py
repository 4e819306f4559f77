"""Verifiers and probes on recorded traces: named in ``--compare``, because they need weights and time.

The stop signals run as in the online system, but without its latency: every message is answered before the next piece. A probe's
reader is not the model that thought: a recording cannot be probed, and the rows say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
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
    Prober,
    Progress,
    RuleVerifier,
    SelfProbe,
    StopSignal,
    Thought,
    ThoughtSegmenter,
    TrimmingConfig,
    Verifier,
    YesNo,
)
from agentcore.decoding.trimming.remote import ServerProber, ServerYesNo
from agentcore.errors import ConfigurationError, MissingModelError
from agentcore.evaluation.trimming_traces import Cut, Trace
from agentcore.models import path_of

NAMES: Mapping[str, str] = {
    "verifier_rule": "Alg. 1 as the online system runs it, rule verifier, looks every 50 tokens",
    "verifier_embedding": "Alg. 1 with MiniLM's cosine above .8 as equivalence",
    "verifier_llm": "Alg. 1 with a model's Yes/No on existence and equivalence",
    "verifier_cascade": "Alg. 1 with a model's Yes/No asked only where the rules say yes",
    "deer_95": "DEER at .95, the trial answers written by a reader, not by the model that thought",
}
"""What can be named in ``--compare`` beside the rule detectors, and what each row is."""

MODELLED = ("verifier_llm", "verifier_cascade", "deer_95")
"""The names that need a model: the embedded one, a GGUF file or a server."""

_PROBE_CHARACTERS = 3000


@dataclass(frozen=True, slots=True)
class Judge:
    """A model that verifies or probes, and what results call it."""

    name: str
    sha256: str
    yes_no: YesNo
    prober: Prober


def judge_for(spec: str) -> Judge:
    """Return the model that a specification names: ``local``, ``gguf:/path`` or ``openai:model@base_url``.

    Raises
    ------
    ConfigurationError
        If it names nothing.
    MissingModelError
        If the embedded model is not on this machine.
    """
    kind, _, rest = spec.partition(":")
    if kind == "openai" and "@" in rest:
        name, _, url = rest.partition("@")
        return Judge(name, "", ServerYesNo(url, name), _ServedReader(url, name))
    path = path_of("smollm2") if spec == "local" else Path(rest) if kind == "gguf" and rest else None
    if path is None:
        if spec == "local":
            raise MissingModelError("smollm2")
        raise ConfigurationError(
            f"{spec!r} is no verifier: use local, gguf:/path/to/model.gguf or openai:model@base_url"
        )
    from agentcore.decoding import load_gguf

    engine = load_gguf(path)
    name = "smollm2" if spec == "local" else path.stem
    return Judge(name, engine.digest, LocalYesNo(engine), _Reader(engine))


def signal_for(name: str, config: TrimmingConfig, judge: Judge | None = None) -> StopSignal:
    """Return one named stop signal.

    Raises
    ------
    ConfigurationError
        If there is none of that name, or it needs a model and has none.
    MissingModelError
        If its weights are not on this machine.
    """
    if name in MODELLED:
        if judge is None:
            raise ConfigurationError(f"{name!r} needs a model: name one with --model")
        if name == "deer_95":
            return SelfProbe(judge.prober, DEER)
    return AgreementSignal(CachedVerifier(_verifier(name, judge)), replace(config, over_rule="reset"))


def _verifier(name: str, judge: Judge | None) -> Verifier:
    """Return the verifier of one named row."""
    if name == "verifier_rule":
        return RuleVerifier()
    if name == "verifier_embedding":
        from agentcore.memory.embedding import default_embedder

        embedder = default_embedder()
        return EmbeddingVerifier(lambda texts: embedder.embed(texts).tolist(), threshold=0.8)
    if judge is None or name not in MODELLED:
        raise ConfigurationError(f"nothing to compare is called {name!r}: use {', '.join(sorted(NAMES))}")
    model = LikelihoodVerifier(judge.yes_no, name=judge.name)
    return model if name == "verifier_llm" else CascadeVerifier(RuleVerifier(), model)


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
            return Cut(position / len(trace.text), None if value is None else value.key, verdict.reason)
    return Cut(1.0, trace.final_answer)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Writes trial answers with a local model, from the problem and the end of the thinking so far."""

    engine: Any

    async def probe(self, progress: Progress, suffix: str, *, max_tokens: int) -> Probe:
        """Return what the reader writes after the thinking and a suffix."""
        return await asyncio.to_thread(self._probe, progress, suffix, max_tokens)

    def _probe(self, progress: Progress, suffix: str, max_tokens: int) -> Probe:
        import math

        from agentcore.decoding import generate

        text = f"Problem: {progress.question}\n\n{progress.thinking[-_PROBE_CHARACTERS:]}{suffix}"
        ids = self.engine.tokenizer.encode(text)
        steps = list(generate(self.engine, ids, max_new_tokens=max_tokens, stop=["}"], logprobs=True))
        chances = [math.exp(step.logprob) for step in steps if step.logprob is not None]
        written = "".join(step.text for step in steps)
        return Probe(written + "}", sum(chances) / len(chances) if chances else 0.0, len(steps))


@dataclass(frozen=True, slots=True)
class _ServedReader:
    """Writes trial answers with a served model, which continues the thinking as its own."""

    url: str
    model: str

    async def probe(self, progress: Progress, suffix: str, *, max_tokens: int) -> Probe:
        """Return what the server writes after the thinking and a suffix."""
        messages = [{"role": "user", "content": progress.question}]
        prober = ServerProber(self.url, self.model, messages)
        return await prober.probe(progress, suffix, max_tokens=max_tokens)
