"""Constraints by grammar and JSON schema, through llguidance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from torch import Tensor

from agentcore.decoding._tokenizer import Tokenizer
from agentcore.decoding.errors import ConstraintError

__all__ = ["GrammarConstraint", "JsonSchemaConstraint", "json_rule"]

_TOKENIZERS: WeakKeyDictionary[Tokenizer, LLTokenizer] = WeakKeyDictionary()


class GrammarConstraint:
    """The state of one output under a context-free grammar.

    Parameters
    ----------
    grammar : str
        A grammar in llguidance's variant of Lark, beginning at the rule ``start``; ``%json`` embeds a schema.
    tokenizer : Tokenizer
        The model's.

    Raises
    ------
    ConstraintError
        If the grammar cannot be compiled; the message names the offending part.
    """

    def __init__(self, grammar: str, tokenizer: Tokenizer) -> None:
        self.grammar = grammar
        compiled = LLMatcher.grammar_from_lark(grammar)
        self._matcher = LLMatcher(_library_tokenizer(tokenizer), compiled, log_level=0)
        self._size = tokenizer.vocabulary_size
        if self._matcher.is_error():
            reason = " ".join(self._matcher.get_error().split())
            raise ConstraintError(f"the constraint cannot be enforced: {reason}: simplify that part of it")

    @property
    def is_complete(self) -> bool:
        """Whether the output may end here."""
        return bool(self._matcher.is_accepting())

    @property
    def is_finished(self) -> bool:
        """Whether nothing more may follow."""
        return bool(self._matcher.is_stopped())

    def allowed(self) -> Tensor:
        """Return which tokens may come next, (V,), bool."""
        if self.is_finished:
            raise ConstraintError(
                "the output of this constraint is finished: make one for each output, or fork it before it begins"
            )
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        return torch.from_numpy(np.unpackbits(bits, count=self._size, bitorder="little").view(np.bool_))

    def forced(self) -> list[int]:
        """Return the tokens that must come next, in their canonical split; empty where there is a choice."""
        return list(self._matcher.compute_ff_tokens())

    def advance(self, ids: Sequence[int]) -> int:
        """Take tokens until one is not allowed; return how many were taken."""
        taken = int(self._matcher.try_consume_tokens(list(ids)))
        self._check()
        return taken

    def rollback(self, count: int) -> None:
        """Undo the last `count` tokens."""
        if count:
            self._matcher.rollback(count)
            self._check()

    def fork(self) -> GrammarConstraint:
        """Return an independent copy of the state."""
        twin = object.__new__(type(self))
        twin.grammar, twin._matcher, twin._size = self.grammar, self._matcher.deep_copy(), self._size
        return twin

    def _check(self) -> None:
        if self._matcher.is_error():
            reason = self._matcher.get_error().partition("<state>")[
                0
            ]  # what follows is for the library's authors
            raise ConstraintError(f"the constraint broke down: {' '.join(reason.split())}")


class JsonSchemaConstraint(GrammarConstraint):
    """The state of one JSON document under a schema.

    Parameters
    ----------
    schema : mapping
        JSON schema.
    tokenizer : Tokenizer
        The model's.
    is_lenient : bool
        Whether keywords that cannot be enforced are ignored rather than refused; validate the result then.
    separators : (str, str)
        Between items and after keys; the default is compact, so that no budget goes into blanks.

    Raises
    ------
    ConstraintError
        If the schema cannot be enforced; the message names the keyword.

    Notes
    -----
    Properties come in the schema's order. Validate finished documents all the same: engines differ in what they cover.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        tokenizer: Tokenizer,
        *,
        is_lenient: bool = False,
        separators: tuple[str, str] = (",", ":"),
    ) -> None:
        rule = json_rule(schema, is_lenient=is_lenient, separators=separators)
        super().__init__(f"start: {rule}", tokenizer)


def json_rule(
    schema: Mapping[str, Any], *, is_lenient: bool = False, separators: tuple[str, str] = (",", ":")
) -> str:
    """Return the right-hand side of a grammar rule that matches documents of a schema."""
    item, key = separators
    options = {
        "whitespace_flexible": False,
        "item_separator": item,
        "key_separator": key,
        "lenient": is_lenient,
    }
    return "%json " + json.dumps({**schema, "x-guidance": options})


def _library_tokenizer(tokenizer: Tokenizer) -> LLTokenizer:
    """Return the library's view of a vocabulary: 0.2 s to build, so once per tokenizer."""
    found = _TOKENIZERS.get(tokenizer)
    if found is None:
        found = LLTokenizer(
            tokenizer.fast.to_str(), n_vocab=tokenizer.vocabulary_size, eos_token=sorted(tokenizer.eos_ids)
        )
        _TOKENIZERS[tokenizer] = found
    return found
