"""Let a model write the texts that its head learns from; what is written stays, and a second call goes on."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import Progress, TaskID

from agentcore.backbones._template import ChatTemplate
from agentcore.backbones._text import TextModel
from agentcore.decoding import LanguageModel, Sampling, generate
from agentcore.training._prompts import prompts

__all__ = ["Text", "read_texts", "write_texts"]

_CALLERS = 20  # as many rows as the packed kernels take at once
_MAX_NEW_TOKENS = 192
_TEMPERATURE = 0.7  # of every second text; the others are greedy


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
    """
    texts = read_texts(path)
    template = ChatTemplate(model.chat_template, marks=model.tokenizer.control_tokens)
    conversations = prompts(passages, seed=seed + len(texts))
    writer = TextModel(model)
    lock = threading.Lock()
    written = sum(text.num_new for text in texts)

    def write(file: TextIO, bar: Progress, task: TaskID) -> None:
        nonlocal written
        while True:
            with lock:
                if written >= num_tokens:
                    return
                number, conversation = len(texts), next(conversations)
            prompt = writer.prompt_ids(template.render(conversation))
            sampling = Sampling(temperature=_TEMPERATURE, seed=seed + number) if number % 2 else Sampling()
            steps = generate(model, prompt, max_new_tokens=_MAX_NEW_TOKENS, sampling=sampling)
            text = Text(len(prompt), (*prompt, *(step.token_id for step in steps)))
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
        with ThreadPoolExecutor(_CALLERS) as pool:
            for done in [pool.submit(write, file, bar, task) for _ in range(_CALLERS)]:
                done.result()
    return texts
