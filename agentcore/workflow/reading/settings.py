"""Every constant of the reader in one place, with where it comes from.

"The study" is a leave-one-out study on 60 HotpotQA questions (52 bridge, 8 comparison) over their 592 pooled
paragraphs with SmolLM2-135M-Instruct and all-MiniLM-L6-v2. Its intervals are about +-.11 F1, so constants
are taken as round as they came out and none was tuned to a single question.
"""

from __future__ import annotations

from dataclasses import dataclass

from agentcore._numbers import check_settings

__all__ = ["AttentionHeads", "ReaderSettings", "heads_for"]

AttentionHeads = tuple[tuple[int, int], ...]

# (layer, head) counted from 0, by the start of the model's name: heads of SmolLM2-135M whose attention from the last
# prompt token points at the answer. The study's three for retrieved evidence and its three for gold evidence, which
# share one; more than five did not help.
_KNOWN_HEADS: dict[str, AttentionHeads] = {
    "smollm2-135m": ((23, 2), (24, 4), (18, 6), (20, 0), (22, 5)),
}


def heads_for(model_name: str) -> AttentionHeads | None:
    """Return the answer heads known for a model, or None (then likelihood chooses).

    Parameters
    ----------
    model_name : str
        The name a backbone gives itself; case, spaces and underscores do not matter.
    """
    if model_name == "smollm2":  # the catalogue's name for SmolLM2-135M-Instruct
        return _KNOWN_HEADS["smollm2-135m"]
    key = model_name.lower().replace(" ", "-").replace("_", "-").rsplit("/", 1)[-1]
    for prefix, heads in _KNOWN_HEADS.items():
        if key.startswith(prefix):
            return heads
    return None


_LEAST = {
    "search_limit": 1,
    "beam_width": 1,
    "passages": 1,
    "sentences": 1,
    "considered": 1,
    "scored": 1,
    "told_tokens": 1,
    "told_passages": 1,
}


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """Constants of retrieval, sentence selection, choice and the not-found rule.

    Attributes
    ----------
    search_limit : int
        Passages asked of each search; those beyond it count as not matching at all.
    beam_width : int
        First passages that each extend the query (the study, section 5.1).
    second_weight, extended_weight, mention_bonus : float
        Pair score ``s(a) + second_weight s(b) + extended_weight s'(b | question + a) + mention_bonus [a names
        b's title]``, ``s`` the mean of all z-scores. The study has .45, .55, 1.5 for two z-scores; with the third a
        plateau (recall .925-.942 of 60 questions) lies at .2-.3, .55, 2-3.
    extended_dense, extended_lexical : float
        ``s'`` mixes the two z-scores of the extended query (the study, section 6).
    passages : int
        Distinct titles handed to the reader (recall .92 at five, .97 at ten).
    sentences : int
        Sentences the reader sees (the study, section 1: six hold nearly all that five passages hold).
    base_weight, gain_weight : float
        Greedy coverage after the first pick (the study, section 5.3).
    passage_weight : float
        Share of the passage's score in a sentence's base score (the study, section 5.3).
    attention_weight, linked_weight, likelihood_weight, told_weight : float
        Of the standardised signals. The study has 1.26 and 1.44 for the first two. With the likelihood of the candidate and
        its overlap with what the model answers from the first two passages, added to rule-based candidates, the mean F1 of
        eight settings around these rose from .40 to .48 (60 questions) and from .50 to .62 (25 others).
    direct_weight, direct_share : float
        Of the share of the question that a candidate's sentence holds, where one sentence holds at least the second: set by
        that idea and left as round as it came; on 35 HotpotQA questions, of which 5 are so, it changes nothing.
    role_weight : float
        Of how well a candidate stands where the question asks, not standardised: on a plateau from 3 to 8 over 256 questions of
        six sets, on which the other weights did not have to move.
    considered : int
        Best candidates among which expected F1 decides (the study, section 5.6).
    scored : int
        Best candidates by attention and link that the model's likelihood and answer choose among.
    told_tokens, told_passages : int
        Length of the answer from the first passages, and how many (the study, section 2: two are best).
    found_pair, found_coverage, found_offset : float
        Logistic rule of :func:`agentcore.workflow.reading.not_found.found_probability`, fitted with L2 .02 on two
        corpora at once, of 592 and 87 passages: 85 questions with and, of the same and five more, 90 without their
        gold passages; left out in turn: AUROC .88 and 1.0.
    found_threshold : float
        Answer from this probability on; below a half, since evidence is shown with every answer.
    compared_probability : float
        Least probability of evidence when the passages of both compared things were found and code could compare them.

    Raises
    ------
    ConfigurationError
        A number that cannot be meant, by name.
    """

    search_limit: int = 200
    beam_width: int = 8
    second_weight: float = 0.25
    extended_weight: float = 0.55
    mention_bonus: float = 2.0
    extended_dense: float = 0.5
    extended_lexical: float = 0.3
    passages: int = 5
    sentences: int = 6
    base_weight: float = 0.5
    gain_weight: float = 1.5
    passage_weight: float = 0.5
    attention_weight: float = 0.8
    linked_weight: float = 1.2
    likelihood_weight: float = 1.1
    told_weight: float = 0.7
    direct_weight: float = 1.2
    direct_share: float = 0.75
    role_weight: float = 5.0
    considered: int = 15
    scored: int = 12
    told_tokens: int = 12
    told_passages: int = 2
    found_pair: float = 2.96
    found_coverage: float = 9.36
    found_offset: float = -12.63
    found_threshold: float = 0.4
    compared_probability: float = 0.8

    def __post_init__(self) -> None:
        check_settings(self, _LEAST)
