"""Every constant of trimming in one frozen value, each with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

OverRule = Literal["cascade", "reset", "classes", "off"]
"""How over-thinking is found: our rule cascade, the paper's reset rule, or its class-counting repair."""


@dataclass(frozen=True, slots=True)
class Points:
    """The points table of the rule cascade; a statement that reaches the threshold ends the thinking.

    The signs and the order of magnitude come from a replay over 364 recorded traces of 16 models; integers, so that
    nothing is fitted closer than the data can tell.
    """

    intent_first: int = 4
    intent_second: int = 4
    intent_third: int = 2
    stated: int = 4
    stated_twice: int = 2
    answered: int = 4
    given: int = -5
    small: int = -2
    doubt: int = -3
    operand: int = -3
    operand_often: int = -1
    rivals: int = -2
    long_search: int = -2
    asked_words: int = 3
    paragraph_end: int = 1
    turn_next: int = 2
    closing_next: int = 3
    hedged: int = -1
    checked: int = 1


@dataclass(frozen=True, slots=True)
class TrimmingConfig:
    """Constants of detectors and controllers.

    Attributes
    ----------
    over_rule : OverRule
        ``cascade`` (default), ``reset`` (the paper's Alg. 1) or ``classes`` (union-find of answers).
    caution : int
        Points a statement needs before the cascade cuts: 8 is bold, 14 cautious. See `docs/results/trimming.json`
        for the whole curve.
    look_ahead : int
        Characters after a statement that the cascade reads before it decides.
    agreements : int
        M of arXiv 2505.17155 Alg. 1: 2, that is three consecutive agreeing conclusions.
    conclusion_sentences : int
        The last sentences of a thought that are its conclusion ("the last few", ibid. section 4).
    min_thought_tokens : int
        A shorter thought is merged into the one before it (our choice; the paper does not say).
    max_thoughts, budget_share : int, float
        R and N of Alg. 2: 20 thoughts and half the token budget. Both must hold: either alone loses up to 9 % of
        right answers on recorded traces.
    under_mode : {"and", "or"}
        How the two limits combine; ``or`` is the paper's laxer reading.
    shingle_words, shingle_repeats, shingle_window : int
        The default repetition stop: 32 words seen 3 times within 4,096 words. Saves two thirds of the tokens of
        runaway traces and harmed none.
    ngram_windows, ngram_repeats, ngram_window, max_period : tuple of int, int
        Token-id repetition: windows of 32, 64 and 128 ids seen 4 times within 1,024, or a tail that repeats with a
        period of at most 256.
    interval : int
        Tokens between two messages to a model verifier (arXiv 2505.17155 section 4.3).
    rule_interval : int
        Tokens between two looks of the rules, which cost microseconds (our choice).
    characters_per_token : float
        To turn the interval into characters where ids are unknown; measured 2.7 on the recorded traces.
    soft_landing : float
        Share of the thought so far that may still be spent to end at a newline (NVIDIA NIM uses 10 %).
    """

    over_rule: OverRule = "cascade"
    caution: int = 11
    points: Points = field(default_factory=Points)
    look_ahead: int = 80
    agreements: int = 2
    conclusion_sentences: int = 3
    min_thought_tokens: int = 30
    max_thoughts: int = 20
    budget_share: float = 0.5
    under_mode: Literal["and", "or", "off"] = "and"
    repetition: bool = True
    shingle_words: int = 32
    shingle_repeats: int = 3
    shingle_window: int = 4096
    ngram_windows: tuple[int, ...] = (32, 64, 128)
    ngram_repeats: int = 4
    ngram_window: int = 1024
    max_period: int = 256
    interval: int = 50
    rule_interval: int = 8
    characters_per_token: float = 2.7
    max_text: int = 400_000

    def __post_init__(self) -> None:
        for name in (
            "agreements",
            "conclusion_sentences",
            "max_thoughts",
            "shingle_words",
            "shingle_repeats",
            "interval",
            "look_ahead",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not 0 < self.budget_share <= 1:
            raise ValueError(f"budget_share is a share of the budget in (0, 1], not {self.budget_share}")
        if not 1 <= self.caution <= 99:
            raise ValueError(f"caution is a number of points in 1..99, not {self.caution}")
        for name, known in (("over_rule", get_args(OverRule)), ("under_mode", ("and", "or", "off"))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}: use {', '.join(map(repr, known))}")

    @property
    def never(self) -> TrimmingConfig:
        """The same constants with a cascade that watches and never cuts."""
        return replace(self, caution=99)

    def with_caution(self, caution: int) -> TrimmingConfig:
        """Return the same constants with another caution."""
        return replace(self, caution=caution)


PAPER = TrimmingConfig(over_rule="reset")
"""The detectors as published, with our repetition stop."""
