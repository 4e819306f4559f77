"""Every constant of the ranking, in one place, with where it comes from.

The sources are a study of LoCoMo turns (five conversations, 759 questions; each weight fitted on four conversations and measured on
the fifth) and of 592 encyclopedic paragraphs. "R@10" is the mean share of a question's evidence among the first ten turns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Literal

from agentcore.memory._validation import check_count

__all__ = ["FAST", "FULL", "AbstentionConfig", "Profile", "RankingConfig", "profile_config"]

Profile = Literal["full", "fast"]


def _check_numbers(config: AbstentionConfig | RankingConfig) -> None:
    """Refuse what would turn every score into nonsense: NaN and infinities, fractions and nothing where things are counted."""
    for each in fields(config):
        name, kind, value = each.name, str(each.type), getattr(config, each.name)
        if kind == "int":
            check_count(value, what=name, least=1)
        elif "float" in kind:
            weights = value if isinstance(value, tuple) else (value,)
            if len(weights) != max(1, kind.count("float")) or not all(map(_is_finite, weights)):
                raise ValueError(f"{name} must be {kind} and finite, got {value!r}")
        elif name == "abstention":
            if not isinstance(value, AbstentionConfig):
                raise TypeError(f"abstention must be AbstentionConfig, not {type(value).__name__}")
        elif kind == "bool" and not isinstance(value, bool):
            raise TypeError(f"{name} must be bool, not {type(value).__name__}")


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True, slots=True)
class AbstentionConfig:
    """Logistic models behind the score; positive weights speak for an answer that is there.

    They are calibrated for all-MiniLM-L6-v2; with another embedder the score keeps its order within a search.
    """

    # Does anything here fit at all? Two signals, fitted on 759 LoCoMo questions asked of their own and of another conversation, and on
    # 60 questions over 592 paragraphs with and without their own; held out by source: AUC .99, .999, and .89 with only the gold ones gone.
    fit_bias: float = -11.9
    fit_cosine: float = 18.4  # best cosine of query and record
    fit_coverage: float = 5.5  # largest idf share of the query's stems found in one record

    fit_named: float = 2.0  # the question names someone known here: it belongs here, answerable or not
    # A question about one speaker, answered by the other's turns: five signals, leave-one-conversation-out AUC .87.
    swap_bias: float = 3.978
    swap_gap_tokens: float = 1.609  # best three of the named speaker's turns minus best three of the others'
    swap_gap_dense: float = -0.828  # keeps the names, so it cancels the bias towards turns that say the name
    swap_named: float = -2.829
    swap_coverage: float = 2.442  # largest idf share of the question's stems found in one turn
    swap_top: float = -0.277
    # How fast the score falls below the best hit's, per unit of the fused score.
    decay: float = 0.12

    def __post_init__(self) -> None:
        _check_numbers(self)


@dataclass(frozen=True, slots=True)
class RankingConfig:
    """Weights of the fused score of one profile.

    Raises
    ------
    ValueError, TypeError
        A constant that is not of its declared kind, not finite, or a count below 1.
    """

    use_tokens: bool

    # F, the evidence of one record for itself. Turns are short: their pooled vectors are weak, their tokens strong.
    turn_weights: tuple[float, float, float]  # dense, lexical, tokens
    # Over long passages the three are equally good (paragraphs: R@2 66.7 added alike, 61-63 alone).
    passage_weights: tuple[float, float, float]

    # What the surroundings add, inside a session.
    speaker: float  # times F, for turns of the one speaker the question names
    neighbours: float  # each of the four turns around it
    answered: float  # times F of the previous turn when that one asks something
    session: float  # times the best of (F + .3 of its two neighbours) in the session
    session_neighbours: float = 0.3

    # Cues of the text.
    date: float = 8.0
    when_time: float = 4.7  # the question asks when, the turn holds a time expression
    ends_asking: float = -1.4
    number: float = 1.6

    # Late interaction: a query token may be matched by a neighbouring turn, at a discount. Windows are worth 6 points of MaxSim alone.
    window_near: float = 0.8
    window_far: float = 0.6
    max_token_idf: float = 8.0

    # Shortlist for the token stage: 96 to 128 turns of 550 kept 84.7 of 85.2 R@10. Over 2,760 records 192 keep .976 of the exhaustive
    # top ten, 512 keep .981 at twice the tokens.
    shortlist_neighbours: float = 0.5
    shortlist_speaker: float = 1.5
    shortlist_date: float = 4.0
    shortlist_minimum: int = 128
    shortlist_share: float = 0.2
    shortlist_maximum: int = 192
    shortlist_cues: float = 0.5
    # Of a large memory: candidates whose tokens are scored; of these the best, each with its four neighbours; and how many of the very
    # best bring their whole session along, for a turn may owe its place to what is said around it. Of the exhaustive ten over a million
    # recombined turns 384, 160 and 64 find .962, 384, 128 and 64 .958, 384, 224 and 32 .950, 512, 224 and 32 .946.
    first_candidates: int = 384
    token_candidates: int = 160
    whole_sessions: int = 64
    longest_session: int = 64
    exhaustive_records: int = 1200
    """Up to so many records every one gets its tokens scored: it takes less than the shortlist saves."""

    passage_words: int = 40
    """A record without session and speaker and with at least so many content stems counts as a passage."""

    abstention: AbstentionConfig = field(default_factory=AbstentionConfig)

    def __post_init__(self) -> None:
        _check_numbers(self)


FULL = RankingConfig(
    use_tokens=True,
    turn_weights=(0.25, 0.25, 0.5), passage_weights=(1 / 3, 1 / 3, 1 / 3),
    speaker=1.0, neighbours=0.4, answered=0.65, session=0.55,
)  # fmt: skip
"""The default ("P2" of the study): R@10 85.2 with float tokens and with sign bits alike."""

FAST = RankingConfig(
    use_tokens=False,
    turn_weights=(0.6, 0.4, 0.0), passage_weights=(0.5, 0.5, 0.0),
    speaker=0.85, neighbours=0.4, answered=0.65, session=0.8,
    date=4.5, when_time=4.5, ends_asking=-1.5, number=1.5,
    token_candidates=256, whole_sessions=96,
)  # fmt: skip
"""Without token vectors ("P1" of the study): R@10 81.9."""


def profile_config(profile: str | RankingConfig) -> RankingConfig:
    """Return the constants of a profile by name; constants of the caller's own are taken as they are."""
    if isinstance(profile, RankingConfig):
        return profile
    if profile not in ("full", "fast"):
        raise ValueError(f"profile must be 'full' or 'fast', got {profile!r}")
    return FULL if profile == "full" else FAST
