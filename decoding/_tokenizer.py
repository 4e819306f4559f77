"""Tokenizers rebuilt from GGUF metadata: byte-level BPE by name of its pre-tokenizer."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tokenizers import AddedToken, Regex, normalizers, pre_tokenizers
from tokenizers import Tokenizer as FastTokenizer
from tokenizers import decoders as token_decoders
from tokenizers.models import BPE

from agentcore.decoding.errors import ModelFileError, UnsupportedModelError

__all__ = ["TextStream", "Tokenizer"]

_CONTROL, _USER_DEFINED = 3, 4
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_WORDS = r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# Names as `tokenizer.ggml.pre` gives them; the patterns are those of the models' published tokenizer files.
_SPLITS = {
    "qwen2": _CONTRACTIONS + _WORDS % "",
    "deepseek-r1-qwen": _CONTRACTIONS + _WORDS % "",
    "llama-bpe": _CONTRACTIONS + _WORDS % "{1,3}",
    "llama3": _CONTRACTIONS + _WORDS % "{1,3}",
}
_DIGITS_APART = ("smollm", "refact", "starcoder")
_PLAIN = ("default", "gpt-2", "gpt2")
# Marks inside an answer: part of its text, whatever the file calls them.
_SHOWN_MARKS = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>")
_END_OF_TURN = ("<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "</s>")


class Tokenizer:
    """Text to token ids and back, for one model.

    Parameters
    ----------
    fast : tokenizers.Tokenizer
        The library's tokenizer, without template or truncation.
    tokens : sequence of str
        Vocabulary strings by id.
    control_ids : iterable of int
        Tokens that are marks and never text.
    eos_ids : iterable of int
        Tokens that end a turn.
    bos_id : int or None
        Token that the model wants before every sequence, if it wants one.
    """

    def __init__(
        self,
        fast: FastTokenizer,
        *,
        tokens: Sequence[str],
        control_ids: Iterable[int],
        eos_ids: Iterable[int],
        bos_id: int | None,
    ) -> None:
        self.fast = fast
        self.control_ids = frozenset(control_ids)
        self.eos_ids = frozenset(eos_ids)
        self.bos_id = bos_id
        self.vocabulary_size = len(tokens)
        self._tokens = list(tokens)
        self._added = {token_id for token_id, added in fast.get_added_tokens_decoder().items() if added}

    @property
    def control_tokens(self) -> list[str]:
        """Names of the control tokens."""
        return [self._tokens[token_id] for token_id in sorted(self.control_ids)]

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Tokenizer:
        """Build the tokenizer that a GGUF header describes.

        Raises
        ------
        UnsupportedModelError
            If the vocabulary is not byte-level BPE, or its pre-tokenizer has no known pattern.
        ModelFileError
            If the entries do not fit together.
        """
        kind = str(metadata.get("tokenizer.ggml.model", "?"))
        if kind != "gpt2":
            raise UnsupportedModelError(
                f"tokenizer model {kind!r} is not supported: use a file with a byte-level BPE vocabulary ('gpt2')"
            )
        pre_name = str(metadata.get("tokenizer.ggml.pre", "default"))
        tokens: list[str] = _entry(metadata, "tokenizer.ggml.tokens")
        types: list[int] = metadata.get("tokenizer.ggml.token_type", [1] * len(tokens))
        merges = [merge.partition(" ")[::2] for merge in _entry(metadata, "tokenizer.ggml.merges")]
        if len(types) != len(tokens):
            raise _damaged(f"{len(tokens)} tokens have {len(types)} types")
        try:
            fast = FastTokenizer(
                BPE(
                    vocab={token: i for i, token in enumerate(tokens)},
                    merges=merges,
                    ignore_merges=pre_name in ("llama-bpe", "llama3"),
                )
            )
        except Exception as exc:  # the library knows no finer kind
            raise _damaged(str(exc)) from exc
        fast.pre_tokenizer = _pre_tokenizer(pre_name)
        if pre_name in ("qwen2", "deepseek-r1-qwen"):
            fast.normalizer = normalizers.NFC()
        fast.decoder = token_decoders.ByteLevel()
        control_ids = [
            i for i, kind_of in enumerate(types) if kind_of == _CONTROL and tokens[i] not in _SHOWN_MARKS
        ]
        fast.add_special_tokens([AddedToken(tokens[i], special=True, normalized=False) for i in control_ids])
        fast.add_tokens(
            [
                AddedToken(tokens[i], special=False, normalized=False)
                for i, kind_of in enumerate(types)
                if kind_of == _USER_DEFINED or (kind_of == _CONTROL and tokens[i] in _SHOWN_MARKS)
            ]
        )
        eos_ids = {
            int(metadata[key])
            for key in ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id")
            if key in metadata
        }
        eos_ids |= {i for i in control_ids if tokens[i] in _END_OF_TURN}
        bos_id = metadata.get("tokenizer.ggml.bos_token_id")
        if any(not 0 <= int(i) < len(tokens) for i in (*eos_ids, bos_id or 0)):
            raise _damaged("a mark that ends or begins a text is no token")
        wants_bos = bool(metadata.get("tokenizer.ggml.add_bos_token", False))
        return cls(
            fast,
            tokens=tokens,
            control_ids=control_ids,
            eos_ids=eos_ids,
            bos_id=int(bos_id) if wants_bos and bos_id is not None else None,
        )

    def encode(self, text: str) -> list[int]:
        """Return the token ids of `text`; marks such as ``<|im_start|>`` are recognised.

        Raises
        ------
        ValueError
            On half a surrogate pair, which is no text.
        """
        ids: list[int] = self._encoding(text).ids
        return ids

    def encode_with_offsets(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Return token ids and, for each, its (start, end) in characters of `text`."""
        encoding = self._encoding(text)
        return encoding.ids, encoding.offsets

    def _encoding(self, text: str) -> Any:
        try:
            return self.fast.encode(text, add_special_tokens=False)
        except TypeError as exc:
            if not isinstance(text, str):
                raise
            raise ValueError(
                "the text holds half a surrogate pair: replace it first, for instance with "
                "text.encode('utf-8', 'replace').decode()"
            ) from exc

    def decode(self, ids: Sequence[int], *, skip_control: bool = True) -> str:
        """Return the text of `ids`; bytes that are no UTF-8 become U+FFFD."""
        shown = (i for i in ids if not (skip_control and i in self.control_ids))
        return b"".join(self.token_bytes(i) for i in shown).decode("utf-8", errors="replace")

    def token_bytes(self, token_id: int) -> bytes:
        """Return the bytes that a token stands for (a control token: its name).

        Raises
        ------
        ValueError
            If the vocabulary has no such token.
        """
        if not 0 <= token_id < self.vocabulary_size:
            raise ValueError(f"token {token_id} is not in the vocabulary of {self.vocabulary_size}")
        token = self._tokens[token_id]
        if token_id in self._added:
            return token.encode("utf-8")
        table = _byte_of_character()
        return (
            bytes(table[character] for character in token)
            if all(c in table for c in token)
            else token.encode("utf-8")
        )

    def stream(self) -> TextStream:
        """Return a decoder for tokens that arrive one by one."""
        return TextStream(self)


class TextStream:
    """Turns tokens into text as they come, never showing half a character."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token_id: int) -> str:
        """Return the text that became certain with this token (empty for control tokens)."""
        if token_id in self._tokenizer.control_ids:
            return ""
        return self._decoder.decode(self._tokenizer.token_bytes(token_id))

    def flush(self) -> str:
        """Return what is left: U+FFFD for a character that never became whole."""
        return self._decoder.decode(b"", final=True)


def _entry(metadata: Mapping[str, Any], key: str) -> list[str]:
    """Return a list of texts."""
    found = metadata.get(key)
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise _damaged(f"{key} is no list of texts")
    return found


def _damaged(reason: str) -> ModelFileError:
    return ModelFileError(
        f"the tokenizer in the file's header is damaged or incomplete ({reason}): fetch it again"
    )


def _pre_tokenizer(name: str) -> Any:
    if name in _SPLITS:
        split = pre_tokenizers.Split(Regex(_SPLITS[name]), behavior="isolated")
        return pre_tokenizers.Sequence(
            [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=True)
    if name in _DIGITS_APART:
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    if name in _PLAIN:
        return byte_level
    known = ", ".join(sorted((*_SPLITS, *_DIGITS_APART, *_PLAIN)))
    raise UnsupportedModelError(f"pre-tokenizer {name!r} is not known: use a file with one of {known}")


@lru_cache(maxsize=1)
def _byte_of_character() -> dict[str, int]:
    """GPT-2's table of printable characters standing for bytes, inverted."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
