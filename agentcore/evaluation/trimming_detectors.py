"""The detectors that a trimming replay compares: ours, the paper's and its ablations, and what peers do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from agentcore.decoding.trimming import (
    Answer,
    RuleCascade,
    ThoughtTrimmer,
    TrimmingConfig,
    Verdict,
    points,
    same_answer,
)
from agentcore.evaluation.trimming_traces import Cut, Trace, replay

CAUTIONS = (8, 9, 10, 11, 12, 13, 14)
"""From bold to cautious: the trade-off curve."""

_UNCERTAIN = re.compile(r"\b(?:wait|hold|but|okay|no|hmm)\b", re.I)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table: how a trace is cut, and what the row is."""

    cut: Callable[[Trace], Cut]
    note: str = ""


def entries(config: TrimmingConfig, *, budget: int) -> Mapping[str, Entry]:
    """Return the named detectors beside the default one.

    Parameters
    ----------
    config : TrimmingConfig
        The constants of the default.
    budget : int
        The token budget that under-thinking measures against.
    """
    off = replace(config, over_rule="off", under_mode="off", repetition=False)
    paper = replace(config, over_rule="reset", under_mode="or", repetition=True)
    named = {
        "over_only": (replace(off, over_rule="cascade"), "ablation: the cascade alone"),
        "under_only": (
            replace(off, under_mode=config.under_mode),
            "ablation: under-thinking alone, both limits",
        ),
        "repetition_only": (replace(off, repetition=True), "ablation: the repetition stop alone"),
        "paper": (paper, "Alg. 1 and 2 as published, rule verifier, with our repetition stop"),
        "paper_over_only": (replace(off, over_rule="reset"), "Alg. 1 alone, rule verifier"),
        "paper_under_only": (replace(off, under_mode="or"), "Alg. 2 alone: half the budget or 20 thoughts"),
        "class_counting": (replace(off, over_rule="classes"), "Alg. 1 over classes of equal answers"),
    }
    table = {name: Entry(trimmer(each, budget=budget), note) for name, (each, note) in named.items()}
    table["dynasor_mid_replayed"] = Entry(
        _dynasor,
        "k=3, every 64 tokens; a probe's answer is read off the thinking so far, since a recording cannot be probed",
    )
    return table


def trimmer(config: TrimmingConfig, *, budget: int | None) -> Callable[[Trace], Cut]:
    """Return a cutter that runs every rule detector of a configuration."""

    def cut(trace: Trace) -> Cut:
        watch = ThoughtTrimmer(trace.problem, config, budget=budget)
        interval = config.rule_interval if config.over_rule in ("cascade", "off") else config.interval
        return replay(trace, watch, tokens_per_piece=interval, best=lambda: watch.best_answer)

    return cut


def caution_curve(trace: Trace, config: TrimmingConfig, *, budget: int | None) -> dict[int, Cut]:
    """Cut one trace at every caution of `CAUTIONS` and of the configuration, in a single pass.

    Equal to one replay per caution: the cascade's points do not depend on its caution, and the other detectors fire where
    they fire.
    """
    left = sorted({*CAUTIONS, config.caution})
    scored: list[tuple[int, Answer]] = []
    watch = ThoughtTrimmer(
        trace.problem,
        config.never,
        budget=budget,
        watch=lambda seen, value, _: scored.append((points(seen, config.points), value)),
    )
    step = max(1, round(config.rule_interval * trace.characters_per_token))
    cuts: dict[int, Cut] = {}
    for start in range(0, len(trace.text), step):
        scored.clear()
        verdict = watch.push(trace.text[start : start + step])
        position = start + step
        if position >= len(trace.text) or not left:
            break
        kept = position / len(trace.text)
        for caution in list(left):
            reached = next((value for total, value in scored if total >= caution), None)
            if reached is not None:
                cuts[caution] = Cut(kept, reached.key, "over_thinking")
                left.remove(caution)
        if verdict is not None:
            value = verdict.answer or watch.best_answer
            cut = Cut(kept, None if value is None else value.key, verdict.reason)
            return cuts | dict.fromkeys(left, cut)
    return cuts | dict.fromkeys(left, Cut(1.0, trace.final_answer))


class _DynasorMid:
    """Dynasor's consistency stop: the last three probes agree, are not empty, and none sounds uncertain.

    After hao-ai-lab/Dynasor ``dynasor/core/cot.py`` (mid: k=3, 64 tokens); whole words where it matches substrings.
    """

    def __init__(self, problem: str) -> None:
        self._cascade = RuleCascade(problem, TrimmingConfig(caution=99))
        self._probes: list[Answer | None] = []
        self._certain: list[bool] = []

    def push(self, text: str) -> Verdict | None:
        """Take in one chunk of 64 tokens and probe."""
        self._cascade.push(text)
        self._probes.append(self._cascade.best)
        self._certain.append(not _UNCERTAIN.search(text))
        last = self._probes[-3:]
        first = last[0]
        if len(last) < 3 or first is None or not all(self._certain[-3:]):
            return None
        if all(other is not None and same_answer(first.key, other.key) for other in last):
            return Verdict("over_thinking", 0, first, "three probes agree")
        return None


def _dynasor(trace: Trace) -> Cut:
    """Cut one trace as Dynasor's mid setting would."""
    return replay(trace, _DynasorMid(trace.problem), tokens_per_piece=64, best=lambda: None)
