"""Let a model write the texts that its head learns from; what is written stays, and a second call goes on."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress

from agentcore.backbones._template import ChatTemplate
from agentcore.backbones._text import TextModel
from agentcore.decoding import LanguageModel, Lockstep, Sampling, generate
from agentcore.training._prompts import prompts

__all__ = ["Text", "read_texts", "write_texts"]

_CALLERS = 20  # as many rows as the packed kernels take at once
_SEQUENCES = 1024  # side by side on a GPU
_MAX_PROMPT_TOKENS = 640
_MAX_NEW_TOKENS = 192
_TEMPERATURE = 0.7  # of every second text; the others are greedy

_Job = tuple[int, list[int]]  # number and prompt


@dataclass(frozen=True, slots=True)
class Text:
    """The tokens of a conversation, of which the first `num_prompt` are not the model's own."""

    num_prompt: int
    ids: tuple[int, ...]

    @property
    def num_new(self) -> int:
        """Tokens that the model wrote."""
        return len(self.ids) - self.num_prompt


def read_texts(path: Path) -> list[Text]:
    """Read what `write_texts` wrote; a last line that was cut short is left out."""
    texts = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        texts.append(Text(fields["num_prompt"], tuple(fields["ids"])))
    return texts


def write_texts(
    model: LanguageModel,
    passages: Sequence[Mapping[str, str]],
    path: Path,
    *,
    num_tokens: int,
    seed: int = 0,
) -> list[Text]:
    """Have a model answer questions on passages until a file holds enough of its tokens, and return all its texts.

    Parameters
    ----------
    model : LanguageModel
        The model.
    passages : sequence of mapping
        ``title`` and ``text`` each: what the questions are about.
    path : Path
        One text a line is added to it at once; a later call goes on behind them.
    num_tokens : int
        Tokens written by the model, prompts not counted.
    seed : int
        Of questions and draws.

    Notes
    -----
    On the processor several callers share the engine's forwards; on a GPU a thousand sequences go in lockstep.
    """
    texts = read_texts(path)
    template = ChatTemplate(model.chat_template, marks=model.tokenizer.control_tokens)
    conversations = prompts(passages, seed=seed + len(texts))
    writer = TextModel(model)
    lock = threading.Lock()
    written, asked = sum(text.num_new for text in texts), len(texts)

    def take() -> _Job | None:
        nonlocal asked
        with lock:
            if written >= num_tokens:
                return None
            number, conversation = asked, next(conversations)
            asked += 1
        return number, writer.prompt_ids(template.render(conversation))

    def keep(text: Text) -> None:
        nonlocal written
        with lock:
            texts.append(text)
            written += text.num_new
            file.write(json.dumps(asdict(text), separators=(",", ":")) + "\n")
            file.flush()
            bar.update(task, completed=written)

    with path.open("a", encoding="utf-8") as file, Progress(console=Console(stderr=True)) as bar:
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            file.write("\n")  # behind a line that was cut short
        task = bar.add_task("tokens written", total=num_tokens, completed=written)
        write = _write_in_turns if model.device.type == "cpu" else _write_in_lockstep
        write(model, take, keep, seed)
    return texts


def _write_in_turns(
    model: LanguageModel, take: Callable[[], _Job | None], keep: Callable[[Text], None], seed: int
) -> None:
    """Write as callers of the engine, a text each at a time."""

    def call() -> None:
        while (job := take()) is not None:
            number, prompt = job
            sampling = Sampling(temperature=_temperature(number), seed=seed + number)
            steps = generate(model, prompt, max_new_tokens=_MAX_NEW_TOKENS, sampling=sampling)
            keep(Text(len(prompt), (*prompt, *(step.token_id for step in steps))))

    with ThreadPoolExecutor(_CALLERS) as pool:
        for done in [pool.submit(call) for _ in range(_CALLERS)]:
            done.result()


def _write_in_lockstep(
    model: LanguageModel, take: Callable[[], _Job | None], keep: Callable[[Text], None], seed: int
) -> None:
    """Write as many texts at a time as a quarter of the free memory holds."""
    num_positions = min(_MAX_PROMPT_TOKENS + _MAX_NEW_TOKENS, model.spec.context_length)
    each = Lockstep.bytes_of(model, num_sequences=1, num_positions=num_positions)
    free = torch.cuda.mem_get_info(model.device)[0] if model.device.type == "cuda" else _SEQUENCES * each * 4
    count = max(1, min(_SEQUENCES, free // (4 * each)))
    engine = Lockstep(model, num_sequences=count, num_positions=num_positions)
    while jobs := list(islice(iter(take, None), count)):
        asked = [prompt[: num_positions - _MAX_NEW_TOKENS] for _, prompt in jobs]
        heat = [_temperature(number) for number, _ in jobs]
        answers = engine.write(
            asked, max_new_tokens=_MAX_NEW_TOKENS, temperatures=heat, seed=seed + jobs[0][0]
        )
        for prompt, answer in zip(asked, answers, strict=True):
            keep(Text(len(prompt), (*prompt, *answer)))


def _temperature(number: int) -> float:
    return _TEMPERATURE if number % 2 else 0.0
