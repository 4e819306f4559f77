"""All rule detectors over one stream of reasoning, in one object without a clock, a task or a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from agentcore.decoding.trimming._agreement import ClassCounter, ResetCounter, UnderThinking
from agentcore.decoding.trimming._answers import conclusion, equivalent, extract_answer
from agentcore.decoding.trimming._cascade import Features, RuleCascade
from agentcore.decoding.trimming._config import TrimmingConfig
from agentcore.decoding.trimming._repetition import TokenRepetition, WordRepetition
from agentcore.decoding.trimming._segmenter import Thought, ThoughtSegmenter
from agentcore.decoding.trimming._values import Answer
from agentcore.decoding.trimming._verdicts import Verdict


class ThoughtTrimmer:
    """Watch one reasoning stream and say once when to end it.

    Parameters
    ----------
    problem : str
        The user's question.
    config : TrimmingConfig, optional
        Which detectors run, and their constants.
    budget : int, optional
        The token budget of the answer, for under-thinking.
    watch : callable, optional
        As for `RuleCascade`.

    Notes
    -----
    `push` only computes: no lock, no await. Feed it on the loop or the thread that has the text.
    """

    def __init__(
        self,
        problem: str,
        config: TrimmingConfig | None = None,
        *,
        budget: int | None = None,
        watch: Callable[[Features, Answer, int], None] | None = None,
    ) -> None:
        self._config = config or TrimmingConfig()
        self._cascade = RuleCascade(problem, self._config, watch=watch)
        self._segmenter = ThoughtSegmenter(self._config)
        self._words = WordRepetition(self._config)
        self._tokens = TokenRepetition(self._config)
        self._under = UnderThinking(self._config, budget=budget)
        self._reset = ResetCounter(self._config.agreements)
        self._classes = ClassCounter(self._config.agreements)
        self._answers: list[Answer] = []
        self._num_characters = 0
        self._num_ids = 0
        self._verdict: Verdict | None = None
        self.num_thoughts = 0

    @property
    def best_answer(self) -> Answer | None:
        """What the thinking so far concludes: the strongest statement, else the last conclusion."""
        return self._cascade.best or (self._answers[-1] if self._answers else None)

    @property
    def num_tokens(self) -> float:
        """Tokens so far: ids where they are known, else estimated from the characters."""
        return self._num_ids or self._num_characters / self._config.characters_per_token

    def push(self, text: str, *, token_ids: Sequence[int] = ()) -> Verdict | None:
        """Add a piece of the stream; return the verdict once there is one, and from then on the same."""
        if self._verdict is not None or self._num_characters >= self._config.max_text:
            return self._verdict
        self._num_characters += len(text)
        self._num_ids += len(token_ids)
        verdict = self._over(text) or self._repeats(text, token_ids) or self._under_thinking()
        if verdict is not None:
            self._verdict = replace(verdict, position=self._num_characters)
        return self._verdict

    def _over(self, text: str) -> Verdict | None:
        """Run the over-thinking rule that is configured; the cascade always keeps the best answer."""
        by_points = self._cascade.push(text)
        by_agreement = None
        for thought in self._segmenter.push(text):
            self.num_thoughts += 1
            by_agreement = by_agreement or self._agreement(thought)
        return by_points if self._config.over_rule == "cascade" else by_agreement

    def _agreement(self, thought: Thought) -> Verdict | None:
        """Compare a thought's conclusion with those before it, by rules."""
        if self._config.over_rule not in ("reset", "classes"):
            return None
        value = extract_answer(conclusion(thought.text, self._config))
        if value is None:
            return None
        if self._config.over_rule == "reset":
            same = bool(self._answers) and equivalent(self._answers[-1], value)
            fires = self._reset.add(same_as_previous=same)
        else:
            matches = tuple(
                index for index in self._classes.representatives() if equivalent(self._answers[index], value)
            )
            fires = self._classes.add(same_as=matches)
        self._answers.append(value)
        return (
            Verdict("over_thinking", thought.end, value, f"{value.key} was reached again") if fires else None
        )

    def _repeats(self, text: str, token_ids: Sequence[int]) -> Verdict | None:
        if not self._config.repetition:
            return None
        by_words, by_ids = self._words.push(text), self._tokens.push(token_ids)
        if by_words or by_ids:
            return Verdict("repetition", 0, self.best_answer, "the same passage again and again")
        return None

    def _under_thinking(self) -> Verdict | None:
        if self._under.check(tokens=self.num_tokens, thoughts=self.num_thoughts):
            return Verdict(
                "under_thinking",
                0,
                self.best_answer,
                f"{self.num_tokens:.0f} tokens and {self.num_thoughts} thoughts without agreement",
            )
        return None
