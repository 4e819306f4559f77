"""The one way the workflow talks to a model: every call reserved in the budget, counted and cancellable.

A backbone is a LangChain chat model. Local ones can do more: plain completion, likelihoods of continuations and
the attention of chosen heads; which of these a backbone has decides how answers are chosen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Literal, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
import numpy.typing as npt
from jsonschema import Draft202012Validator
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langgraph.errors import GraphRecursionError

from agentcore.errors import AgentError, ModelFailedError, ModelOutputError
from agentcore.middleware.budget import Budget
from agentcore.redaction import redacted
from agentcore.workflow.reading.settings import AttentionHeads, heads_for

__all__ = ["AttentionMap", "ChoiceMode", "Language"]

Answer = TypeVar("Answer")
ChoiceMode = Literal["attention", "likelihood", "chat"]
_CHARACTERS_PER_TOKEN = 4
_MAX_ASKS = 3  # one question and two more with the error


class AttentionMap(Protocol):
    """Attention from the last token of a prompt."""

    @property
    def offsets(self) -> Sequence[tuple[int, int]]:
        """Offsets of each token into the prompt."""

    @property
    def weights(self) -> npt.NDArray[np.float32]:
        """Attention weights, (H, T)."""


@runtime_checkable
class _Completes(Protocol):
    def complete(self, prompt: str, *, max_tokens: int, stop: Sequence[str], schema: Any = None) -> str: ...


@runtime_checkable
class _Streams(Protocol):
    def stream_completion(
        self, prompt: str, *, max_tokens: int, stop: Sequence[str], schema: Any = None
    ) -> Generator[str, None, None]: ...


@runtime_checkable
class _Scores(Protocol):
    def score(self, prompt: str, continuations: Sequence[str]) -> list[float]: ...


@runtime_checkable
class _Attends(Protocol):
    def attend(self, prompt: str, heads: AttentionHeads) -> AttentionMap: ...


class Language:
    """A backbone under a budget.

    Parameters
    ----------
    model : BaseChatModel
        The backbone.
    budget : Budget
        Every call is reserved there first.
    mode : ChoiceMode, optional
        How candidates are chosen; by default what the backbone can do best.
    """

    def __init__(self, model: BaseChatModel, *, budget: Budget, mode: ChoiceMode | None = None) -> None:
        self._model = model
        self._budget = budget
        self._is_local = isinstance(model, _Completes)
        self.name = str(
            getattr(model, "model_name", None) or getattr(model, "model", None) or model._llm_type
        )
        self.digest = str(getattr(model, "model_digest", "") or "")
        self.heads = heads_for(self.name) if isinstance(model, _Attends) else None
        self.mode: ChoiceMode = mode or self._best_mode()

    @property
    def completes(self) -> bool:
        """Whether plain few-shot completion is there."""
        return self._is_local

    def complete(
        self,
        prompt: str,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        schema: Mapping[str, Any] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> str:
        """Continue a prompt, without a chat template where the backbone can.

        `tell` gets the text piece by piece while it is written, where the backbone streams; what it raises ends the call.

        Raises
        ------
        BudgetExceededError
            The call would pass a limit.
        """
        left = self._budget.tokens_left
        wanted = self._count(prompt)
        if left is not None:
            max_tokens = max(1, min(max_tokens, left - wanted))
        with self._budget.reserve(wanted + max_tokens) as reservation:
            if self._is_local:
                text = self._call(
                    lambda: self._completed(
                        prompt, tell, max_tokens=max_tokens, stop=tuple(stop), schema=schema
                    )
                )
                reservation.settle(input_tokens=wanted, output_tokens=self._count(text))
                return text
            message = self._call(lambda: self._model.invoke([HumanMessage(prompt)], stop=list(stop) or None))
            self._settle(reservation, message, prompt)
            return str(message.text)

    def _completed(self, prompt: str, tell: Callable[[str], None] | None, **options: Any) -> str:
        """Return a local completion, told where that is wished for."""
        if tell is None or not isinstance(self._model, _Streams):
            text = cast("_Completes", self._model).complete(prompt, **options)
            if tell is not None:
                tell(text)
            return text
        pieces = []
        with closing(self._model.stream_completion(prompt, **options)) as stream:
            for piece in stream:
                pieces.append(piece)
                tell(piece)
        return "".join(pieces)

    def score(self, prompt: str, continuations: Sequence[str]) -> list[float]:
        """Return the log-likelihood of each continuation."""
        read = self._count(prompt) + sum(self._count(text) for text in continuations)
        with self._budget.reserve(read) as reservation:
            scores = self._call(lambda: cast("_Scores", self._model).score(prompt, list(continuations)))
            reservation.settle(input_tokens=read)
        return scores

    def attend(self, prompt: str) -> AttentionMap:
        """Return where the model's answer heads look from the end of a prompt."""
        heads = self.heads
        assert heads is not None
        with self._budget.reserve(self._count(prompt)) as reservation:
            attention = self._call(lambda: cast("_Attends", self._model).attend(prompt, heads))
            reservation.settle(input_tokens=len(attention.offsets))
        return attention

    def ask_json(self, system: str, user: str, schema: Mapping[str, Any], *, max_tokens: int = 512) -> Any:
        """Ask for a JSON value of a schema; repair it, or ask again with the error, at most twice.

        Raises
        ------
        ModelOutputError
            No answer fits the schema.
        BudgetExceededError
            The call would pass a limit.
        """
        check = Draft202012Validator(dict(schema))
        messages: list[BaseMessage] = [
            SystemMessage(
                f"{system}\nAnswer with one JSON object of this schema and nothing else:\n{json.dumps(schema)}"
            ),
            HumanMessage(user),
        ]
        problem = ""
        for _ in range(_MAX_ASKS):
            text = self.chat(messages, max_tokens=max_tokens)
            value = _parse(text)
            problem = next((error.message for error in check.iter_errors(value)), "")
            if not problem:
                return value
            messages = [
                *messages,
                HumanMessage(f"That does not fit the schema: {problem[:300]}. Answer again, JSON only."),
            ]
        raise ModelOutputError(
            f"{self.name} gave no JSON of the schema in {_MAX_ASKS} tries: {problem[:200]}"
        )

    def chat(self, messages: Sequence[BaseMessage], *, max_tokens: int = 512) -> str:
        """Return the text of one chat turn."""
        prompt = "\n".join(str(message.content) for message in messages)
        with self._budget.reserve(self._count(prompt) + max_tokens) as reservation:
            answer = self._call(lambda: self._model.invoke(list(messages)))
            self._settle(reservation, answer, prompt)
        return str(answer.text)

    def write(
        self,
        messages: Sequence[BaseMessage],
        *,
        tell: Callable[[str], None],
        longest: int,
        stop: re.Pattern[str],
    ) -> str:
        """Return the text of one chat turn, told piece by piece while it is written.

        Parameters
        ----------
        tell : callable
            Gets each piece; what it raises ends the call.
        longest : int
            Characters behind which the model is not read any further; its reasoning does not count.
        stop : pattern
            Ends the text where it matches; the match is not part of it.
        """
        prompt = "\n".join(str(message.content) for message in messages)

        def written() -> AIMessage:
            text: str = ""
            usage: UsageMetadata | None = None
            with closing(self._pieces(messages)) as pieces:
                for piece in pieces:
                    usage = add_usage(usage, piece.usage_metadata) if piece.usage_metadata else usage
                    known, text = len(text), text + piece.text
                    end = stop.search(text)
                    text = text[: longest if end is None else min(longest, end.start())]
                    tell(text[known:])
                    if end is not None or len(text) >= longest:
                        break
            return AIMessage(text, usage_metadata=usage)

        with self._budget.reserve(self._count(prompt) + longest // _CHARACTERS_PER_TOKEN) as reservation:
            answer = self._call(written)
            self._settle(reservation, answer, prompt)
        return str(answer.text)

    def _pieces(self, messages: Sequence[BaseMessage]) -> Generator[AIMessage, None, None]:
        """Yield what the model says; leaving it early closes its stream."""
        for piece in self._model.stream(list(messages)):
            yield cast("AIMessage", piece)  # a model that cannot stream says all of it at once

    @property
    def model(self) -> BaseChatModel:
        """The backbone itself, for an agent that brings the budget along as middleware."""
        return self._model

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn whatever a model raises into one of our errors, in one line."""
        try:
            yield
        except (AgentError, GraphRecursionError):  # the second is a caller's own limit of turns
            raise
        except Exception as exc:
            lines = str(exc).strip().splitlines()
            reason = redacted(f"{type(exc).__name__}{': ' + lines[0][:200] if lines else ''}")
            raise ModelFailedError(self.name, reason=reason) from exc

    def _call(self, call: Callable[[], Answer]) -> Answer:
        """Make one call of the model, given up when the time is up."""

        def translated() -> Answer:
            with self.translated():
                return call()

        return self._budget.in_time(translated)

    def _best_mode(self) -> ChoiceMode:
        if self.heads is not None:
            return "attention"
        return "likelihood" if isinstance(self._model, _Scores) else "chat"

    def _count(self, text: str) -> int:
        """Count tokens: the backbone's own count where it has a tokenizer, else four characters each."""
        counter = getattr(self._model, "count_tokens", None)
        return int(counter(text)) if callable(counter) else len(text) // _CHARACTERS_PER_TOKEN + 1

    def _settle(self, reservation: Any, message: Any, prompt: str) -> None:
        usage = getattr(message, "usage_metadata", None)
        if usage:
            reservation.settle(input_tokens=usage["input_tokens"], output_tokens=usage["output_tokens"])
        else:
            reservation.settle(input_tokens=self._count(prompt), output_tokens=self._count(str(message.text)))


def _parse(text: str) -> Any:
    """Read the JSON value in a model's text, repaired where that is possible."""
    from json_repair import repair_json

    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    if start < 0:
        return None
    return repair_json(text[start:], return_objects=True)
