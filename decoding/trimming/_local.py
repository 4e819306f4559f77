"""Trim the local engine's own decoding: the guide's tokens are forced into the running sequence, its KV cache is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentcore.decoding.trimming._online import Trimming
from agentcore.decoding.trimming._self_probe import Probe
from agentcore.decoding.trimming._signals import Progress
from agentcore.decoding.trimming._verdicts import Verdict, guide_prompt

if TYPE_CHECKING:
    from agentcore.decoding import CancelSignal, KVCache, LanguageModel, Sampling, Step


@dataclass(frozen=True, slots=True)
class Fork:
    """Where a self-probe may fork: the live cache, how much of it, and the last token, which it does not hold yet."""

    cache: KVCache
    length: int
    last_token: int


def trim_locally(
    model: LanguageModel,
    prompt_ids: Sequence[int],
    question: str,
    *,
    trimming: Trimming,
    max_new_tokens: int = 1024,
    sampling: Sampling | None = None,
    stop: Sequence[str] = (),
    cancel: CancelSignal | None = None,
    end_of_thinking: str = "",
    on_verdict: Callable[[Verdict], None] | None = None,
) -> Iterator[Step]:
    """Generate as `agentcore.decoding.generate` does, and end the thinking where a detector says so.

    Parameters
    ----------
    model, prompt_ids, max_new_tokens, sampling, stop, cancel
        As for `generate`.
    question : str
        The user's question.
    trimming : Trimming
        Detectors and verifiers.
    end_of_thinking : str
        The model's end tag: what follows it is not watched. Empty for a model that reasons in its answer.
    on_verdict : callable, optional
        Told of the cut.

    Yields
    ------
    Step
        Forced steps of the guide are marked `is_forced`; they cost one forward together.
    """
    from agentcore.decoding import Step, generate

    cache = model.new_cache(len(prompt_ids) + min(max_new_tokens, 512))
    controller = trimming.open(question, budget=max_new_tokens)
    pending, left, written = list(prompt_ids), max_new_tokens, ""
    is_thinking = True
    try:
        while left > 0:
            steps = generate(
                model, pending, max_new_tokens=left, sampling=sampling, stop=stop, cancel=cancel, cache=cache
            )
            verdict = None
            for step in steps:
                left -= 1
                yield step
                written += step.text
                if step.finish is not None:
                    return
                if is_thinking and end_of_thinking and end_of_thinking in written[-200:]:
                    is_thinking = False
                if is_thinking:
                    handle = Fork(cache, cache.length, step.token_id)
                    verdict = controller.push(step.text, token_ids=(step.token_id,), handle=handle)
                    if verdict is not None:
                        break
            else:
                return
            is_thinking = False
            if on_verdict is not None:
                on_verdict(verdict)
            guide = model.tokenizer.encode(guide_prompt(verdict, end_of_thinking=end_of_thinking))[:left]
            for token in guide:
                left -= 1
                text = model.tokenizer.decode([token])
                yield Step(token, text, is_forced=True, finish="length" if left == 0 else None)
            pending = [step.token_id, *guide]
    finally:
        controller.close()


@dataclass(slots=True)
class LocalProber:
    """Probes the local engine: the fork is copied and decoded on a worker thread, the live sequence goes on."""

    model: Any

    async def probe(self, progress: Progress, suffix: str, *, max_tokens: int) -> Probe:
        """Return what the model writes after its thinking so far and a suffix.

        Raises
        ------
        ValueError
            If the stream is not one of `trim_locally`, which alone knows where to fork.
        """
        if not isinstance(progress.handle, Fork):
            raise ValueError("a local probe needs the live cache: decode with trim_locally")
        return await asyncio.to_thread(self._probe, progress.handle, suffix, max_tokens)

    def _probe(self, fork: Fork, suffix: str, max_tokens: int) -> Probe:
        import math

        from agentcore.decoding import generate

        ids = self.model.tokenizer.encode(suffix)
        twin = fork.cache.fork(fork.length, room=len(ids) + max_tokens + 1)
        steps = list(
            generate(
                self.model,
                [fork.last_token, *ids],
                max_new_tokens=max_tokens,
                stop=["}"],
                cache=twin,
                logprobs=True,
            )
        )
        chances = [math.exp(step.logprob) for step in steps if step.logprob is not None]
        text = "".join(step.text for step in steps)
        return Probe(text + "}", sum(chances) / len(chances) if chances else 0.0, len(ids) + len(steps))
