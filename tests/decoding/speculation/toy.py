"""A tiny exact language model, hostile drafters and a random grammar, to hold speculation against plain decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agentcore.decoding import LanguageModel
from agentcore.decoding.speculation import Draft, HeadWeights, StepTimeCurve, Verification, fingerprint

EOS = 0


@dataclass(frozen=True)
class ToySpec:
    vocabulary_size: int
    context_length: int


class ToyStream:
    def push(self, token_id: int) -> str:
        return chr(97 + token_id)

    def flush(self) -> str:
        return ""


class ToyTokenizer:
    """Token i is the letter i; token 0 ends a turn."""

    def __init__(self, vocabulary_size: int) -> None:
        self.vocabulary_size = vocabulary_size
        self.eos_ids = frozenset({EOS})
        self.control_ids = self.eos_ids

    def stream(self) -> ToyStream:
        return ToyStream()

    def encode(self, text: str) -> list[int]:
        ids = [ord(letter) - 97 for letter in text]
        return ids if all(0 <= i < self.vocabulary_size for i in ids) else []

    def token_bytes(self, token_id: int) -> bytes:
        return chr(97 + token_id).encode()


class ToyCache:
    """The tokens themselves stand for keys and values, so a wrong cache gives wrong scores."""

    def __init__(self) -> None:
        self.tokens: list[int] = []

    @property
    def length(self) -> int:
        return len(self.tokens)

    def truncate(self, length: int) -> None:
        assert 0 <= length <= len(self.tokens)
        del self.tokens[length:]

    def release(self) -> None:
        self.tokens.clear()


class ToyModel:
    """Scores in float64 that depend on the last `order` tokens and weakly on the number of tokens before."""

    def __init__(
        self,
        *,
        seed: int = 0,
        vocabulary_size: int = 8,
        order: int = 2,
        sharpness: float = 3.0,
        context: int = 400,
        eos_bias: float = -2.0,
    ) -> None:
        self.spec = ToySpec(vocabulary_size, context)
        self.tokenizer = ToyTokenizer(vocabulary_size)
        self.order, self.sharpness, self.seed, self.eos_bias = order, sharpness, seed, eos_bias
        self.forwards = 0
        self.num_others = 0
        self._rows: dict[tuple[int, ...], Tensor] = {}

    def new_cache(self, capacity: int = 256, *, cancel: object = None) -> ToyCache:
        return ToyCache()

    def prefill(
        self,
        ids: Sequence[int],
        cache: ToyCache,
        *,
        cancel: object = None,
        hidden: list[Tensor] | None = None,
    ) -> Tensor:
        return self.forward(ids, cache, hidden=hidden)

    def forward(
        self,
        ids: Sequence[int],
        cache: ToyCache,
        *,
        rows: str = "last",
        fixed_rows: int | None = None,
        hidden: list[Tensor] | None = None,
        **_: Any,
    ) -> Tensor:
        assert len(ids) > 0
        assert cache.length + len(ids) <= self.spec.context_length, "more tokens than the context holds"
        assert fixed_rows is None or len(ids) <= fixed_rows
        self.forwards += 1
        out, states = [], []
        for token in ids:
            cache.tokens.append(token)
            out.append(self.row(cache.tokens))
            last = [*[0] * self.order, *cache.tokens][-self.order :]
            states.append([cache.length % 5, *last])
        if hidden is not None:
            hidden.append(torch.tensor(states))
        return torch.stack(out if rows == "all" else out[-1:])

    def row(self, tokens: Sequence[int]) -> Tensor:
        """Scores after `tokens`, (V,), float64."""
        return self.row_of((len(tokens) % 5, *tokens[-self.order :]))

    def row_of(self, key: tuple[int, ...]) -> Tensor:
        """Scores by the number of tokens, modulo five, and the last of them."""
        if key not in self._rows:
            rng = np.random.default_rng([self.seed, *(token + 1 for token in key)])
            scores = self.sharpness * rng.standard_normal(self.spec.vocabulary_size)
            scores[EOS] += self.eos_bias
            self._rows[key] = torch.from_numpy(scores)
        return self._rows[key]


class ToyHead:
    """Reads the toy's hidden state, which says all that its scores depend on: a head that is always right, or nearly."""

    def __init__(self, model: ToyModel, *, noise: float = 0.0) -> None:
        self.model, self.noise = model, noise
        self.vocabulary = torch.arange(model.spec.vocabulary_size)
        self.step_times = StepTimeCurve((1, 2), (1e-5, 2e-5))

    def step(self, state: Tensor, token: int) -> Tensor:
        length, *last = state[0].tolist()
        return torch.tensor([[(length + 1) % 5, *last[1:], token]])

    def scores(self, state: Tensor) -> Tensor:
        scores = self.model.row_of(tuple(state[0].tolist()))
        return (scores + self.noise * torch.sin(7.0 * scores)).float()


class ToyGrammar:
    """A random automaton over tokens: some states allow one token only, some end the output."""

    def __init__(self, *, seed: int, vocabulary_size: int = 8) -> None:
        rng = np.random.default_rng(seed)
        self._allowed = rng.random((6, vocabulary_size)) < 0.5
        self._allowed[:, EOS] = rng.random(6) < 0.3
        for state in range(6):
            if rng.random() < 0.35 or not self._allowed[state].any():
                self._allowed[state] = False
                self._allowed[state, rng.integers(1, vocabulary_size)] = True
        self._next = rng.integers(0, 6, (6, vocabulary_size))
        self._states = [0]
        self._ended = [False]

    @property
    def is_complete(self) -> bool:
        return self.is_finished or bool(self._allowed[self._states[-1], EOS])

    @property
    def is_finished(self) -> bool:
        return self._ended[-1]

    def allowed(self) -> Tensor:
        assert not self.is_finished, "a finished grammar must not be asked"
        return torch.from_numpy(self._allowed[self._states[-1]].copy())

    def forced(self) -> list[int]:
        assert not self.is_finished, "a finished grammar must not be asked"
        state, out = self._states[-1], []
        while len(out) < 4:
            choices = np.flatnonzero(self._allowed[state])
            if len(choices) != 1 or choices[0] == EOS:
                break
            out.append(int(choices[0]))
            state = self._next[state, choices[0]]
        return out

    def advance(self, ids: Sequence[int]) -> int:
        for taken, token in enumerate(ids):
            if self.is_finished or not self._allowed[self._states[-1], token]:
                return taken
            self._ended.append(token == EOS)
            self._states.append(int(self._next[self._states[-1], token]))
        return len(ids)

    def rollback(self, count: int) -> None:
        assert count < len(self._states)
        del self._states[len(self._states) - count :]
        del self._ended[len(self._ended) - count :]

    def fork(self) -> ToyGrammar:
        twin = object.__new__(ToyGrammar)
        twin._allowed, twin._next = self._allowed, self._next
        twin._states, twin._ended = list(self._states), list(self._ended)
        return twin

    @property
    def num_taken(self) -> int:
        return len(self._states) - 1


class HostileDrafter:
    """Proposes what no sane drafter would: noise, ends of turn in the middle, more than it was asked for."""

    name = "hostile"

    def __init__(self, seed: int, *, kind: str, vocabulary_size: int = 8) -> None:
        self._rng = np.random.default_rng(seed)
        self.kind, self.vocabulary_size = kind, vocabulary_size
        self.seen: list[int] = []

    def start(self, prompt_ids: Sequence[int]) -> None:
        self.seen = list(prompt_ids)

    def add(self, ids: Sequence[int]) -> None:
        pass

    def commit(self, verification: Verification) -> None:
        self.seen.extend(verification.tokens)

    def propose(self, limit: int, *, after: Sequence[int] = ()) -> Draft:
        length = limit + 7 if self.kind == "overlong" else limit
        tokens = self._rng.integers(1, self.vocabulary_size, length)
        if self.kind == "eos":
            tokens[self._rng.random(length) < 0.3] = EOS
        return Draft(tuple(tokens.tolist()), (0.9,) * length, source=self.name)


class OracleDrafter(HostileDrafter):
    """Knows the model: proposes the greedy continuation, wrong now and then."""

    name = "oracle"

    def __init__(self, model: ToyModel, seed: int, *, wrong: float = 0.1) -> None:
        super().__init__(seed, kind="oracle", vocabulary_size=model.spec.vocabulary_size)
        self._model, self._wrong = model, wrong

    def propose(self, limit: int, *, after: Sequence[int] = ()) -> Draft:
        tokens = [*self.seen, *after]
        start = len(tokens)
        for _ in range(limit):
            token = int(self._model.row(tokens).argmax())
            if self._rng.random() < self._wrong:
                token = int(self._rng.integers(0, self.vocabulary_size))
            tokens.append(token)
        drafted = tuple(tokens[start:])
        return Draft(drafted, (0.9,) * len(drafted), source=self.name)


def random_weights(model: LanguageModel, *, hidden_width: int = 32) -> HeadWeights:
    """Return a head of a real model that learnt nothing."""
    width, generator = model.spec.model_width, torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * shape[-1] ** -0.5

    return HeadWeights(
        draw(width, 2 * width),
        draw(2 * hidden_width, width),
        draw(width, hidden_width),
        torch.ones(width),
        vocabulary=torch.arange(0, model.spec.vocabulary_size, 2),
        model=fingerprint(model),
    )
