"""Traffic for the decoding benchmark: what an agent asks of its model, recorded as prompts and constraints.

A request holds token ids, not text: the log replays on any tier of the same model. Answers are not recorded; every
method decodes them anew.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from agentcore.backbones import LocalChatModel
from agentcore.backbones._text import TextModel
from agentcore.decoding import LanguageModel

__all__ = ["RecordingModel", "RecordingText", "Request", "example_traffic", "read_traffic", "write_traffic"]


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the model.

    Attributes
    ----------
    kind : str
        What the call was for: "tool" (a call under a grammar), "quote" (an answer over documents), "free" (no source).
    run : str
        Which agent run it belonged to.
    prompt_ids : tuple of int
        The prompt.
    max_new_tokens : int
        Bound on the answer.
    stop : tuple of str
        Texts that end it.
    grammar : str or None
        The constraint, in llguidance's Lark.
    """

    kind: str
    run: str
    prompt_ids: tuple[int, ...]
    max_new_tokens: int
    stop: tuple[str, ...] = ()
    grammar: str | None = None


class RecordingText(TextModel):
    """A text model that writes down each call before it decodes it.

    Set `kind` and `run_name` before a call; read `requests` afterwards.
    """

    def __init__(self, model: LanguageModel) -> None:
        super().__init__(model)
        self.kind = "free"
        self.run_name = ""
        self.requests: list[Request] = []

    def decode(self, prompt: str, **options: Any) -> Generator[str, None, None]:
        """Record the call, then decode as ever."""
        constraint = options.get("constraint")
        self.requests.append(
            Request(
                kind="tool" if constraint is not None else self.kind,
                run=self.run_name,
                prompt_ids=tuple(self.prompt_ids(prompt)),
                max_new_tokens=options["max_tokens"],
                stop=tuple(options.get("stop", ())),
                grammar=None if constraint is None else constraint.grammar,
            )
        )
        yield from super().decode(prompt, **options)


class RecordingModel(LocalChatModel):
    """The local backbone over a `RecordingText`."""

    @cached_property
    def text(self) -> RecordingText:
        """The recording text model."""
        return RecordingText(self.engine)


def write_traffic(path: Path, requests: Sequence[Request]) -> None:
    """Write requests as one JSON object a line."""
    with path.open("w", encoding="utf-8") as file:
        for request in requests:
            file.write(json.dumps(asdict(request), ensure_ascii=False, separators=(",", ":")) + "\n")


def read_traffic(path: Path) -> list[Request]:
    """Read what `write_traffic` wrote.

    Raises
    ------
    ValueError
        On a line that is no request; the message names it.
    """
    return _parse(path.read_text(encoding="utf-8"), str(path))


def example_traffic() -> list[Request]:
    """Return the requests recorded over the example corpus, for the embedded model's vocabulary."""
    source = files("agentcore.evaluation").joinpath("data/decoding_traffic.jsonl")
    return _parse(source.read_text(encoding="utf-8"), source.name)


def _parse(text: str, name: str) -> list[Request]:
    requests = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            fields = json.loads(line)
            requests.append(
                Request(
                    **{**fields, "prompt_ids": tuple(fields["prompt_ids"]), "stop": tuple(fields["stop"])}
                )
            )
        except (ValueError, TypeError, KeyError) as exc:
            raise ValueError(f"line {number} of {name} is no request of a traffic log: {exc!r}") from exc
    if not requests:
        raise ValueError(f"{name} holds no requests: record some with agentcore.evaluation.decoding_traffic")
    return requests
