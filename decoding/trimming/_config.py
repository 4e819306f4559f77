"""Every constant of trimming in one frozen value, each with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from agentcore.decoding._numbers import check_count, check_settings

OverRule = Literal["cascade", "reset", "classes", "off"]
"""How over-thinking is found: our rule cascade, the paper's reset rule, or its class-counting repair."""

_LEAST = {
    "look_ahead": 1,
    "agreements": 1,
    "conclusion_sentences": 1,
    "min_thought_tokens": 0,
    "max_thoughts": 1,
    "shingle_words": 1,
    "shingle_repeats": 2,  # one occurrence repeats nothing
    "shingle_window": 1,
    "ngram_repeats": 2,
    "ngram_window": 1,
    "max_period": 0,
    "interval": 1,
    "rule_interval": 1,
    "max_text": 1,
}


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

    def __post_init__(self) -> None:
        check_settings(self, {})


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
    max_text : int
        Characters of a trace after which the rules stop looking.

    Raises
    ------
    ValueError
        A constant that cannot be meant, by name.
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
        check_settings(self, _LEAST)
        if not isinstance(self.points, Points):
            raise ValueError(f"points is {self.points!r}: use Points(...)")
        if not isinstance(self.ngram_windows, tuple):
            raise ValueError(f"ngram_windows is {self.ngram_windows!r}: use a tuple of whole numbers")
        for length in self.ngram_windows:
            check_count("ngram_windows", length, least=1)
        if self.characters_per_token <= 0:
            raise ValueError(f"characters_per_token is {self.characters_per_token!r}: use a number above 0")
        if not 0 < self.budget_share <= 1:
            raise ValueError(f"budget_share is {self.budget_share!r}: use a share of the budget in (0, 1]")
        if not 1 <= self.caution <= 99:
            raise ValueError(f"caution is {self.caution!r}: use a number of points from 1 to 99")
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
