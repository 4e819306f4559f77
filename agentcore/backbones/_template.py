"""Prompts from conversations: the model's own chat template, rendered in a sandbox."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NoReturn

from jinja2 import TemplateError, TemplateSyntaxError, meta
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agentcore.backbones._tool_format import tool_preamble, written_calls
from agentcore.errors import ConfigurationError

__all__ = ["ChatTemplate", "Turn"]

Turn = dict[str, Any]

_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# What a template raises, its own refusals and the faults of a program that others wrote.
_FAILURES = (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError)


class ChatTemplate:
    """Renders a conversation for one model.

    Parameters
    ----------
    source : str or None
        Jinja source out of the model file; None for the common ChatML form.
    marks : iterable of str
        The model's control tokens. In message text they are broken up, so that no text can open or close a turn.

    Raises
    ------
    ConfigurationError
        If the template cannot be parsed.
    """

    def __init__(self, source: str | None, *, marks: Iterable[str] = ()) -> None:
        self._environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
        )
        self._environment.filters["tojson"] = _to_json
        self._environment.globals.update(raise_exception=_raise, strftime_now=_now)
        self._source = _CHATML if source is None else source
        try:
            self._template = self._environment.from_string(self._source)
        except TemplateSyntaxError as exc:
            raise ConfigurationError(
                f"the model's chat template cannot be read ({exc}): use another file"
            ) from exc
        names = sorted((mark for mark in marks if len(mark) > 1), key=len, reverse=True)
        self._marks = re.compile("|".join(map(re.escape, names))) if names else None

    @cached_property
    def knows_tools(self) -> bool:
        """Whether the template has a place for tools of its own."""
        return "tools" in meta.find_undeclared_variables(self._environment.parse(self._source))

    def render(self, turns: Sequence[Turn], *, tools: Sequence[Turn] = ()) -> str:
        """Return the prompt up to where the model's answer begins.

        Parameters
        ----------
        turns : sequence of dict
            ``role``, ``content``, and ``tool_calls`` (OpenAI form, arguments as mappings) where there are any.
        tools : sequence of dict
            Tools in OpenAI form.

        Raises
        ------
        ConfigurationError
            If the template refuses the turns, or fails on them.
        """
        cleaned = [{**turn, "content": self.neutralise(turn["content"])} for turn in turns]
        if not self.knows_tools:
            cleaned = _spell_out_tools(cleaned, tools)
        cleaned = _merge_neighbours(cleaned)
        failure: Exception | None = None
        # Some refuse a system turn: its text then leads the first user turn.
        for written in (cleaned, _fold_system(cleaned)):
            try:
                return self._render(written, tools)
            except _FAILURES as exc:
                failure = failure or exc
        raise ConfigurationError(
            f"the model's chat template cannot write this conversation ({' '.join(str(failure).split())}): "
            "change its turns or use another file"
        ) from failure

    def neutralise(self, text: str) -> str:
        """Break up control tokens in text that is content and not structure."""
        if self._marks is None:
            return text
        return self._marks.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)

    def _render(self, turns: Sequence[Turn], tools: Sequence[Turn]) -> str:
        return self._template.render(
            messages=turns,
            tools=list(tools) if tools and self.knows_tools else None,
            add_generation_prompt=True,
            bos_token="",
            eos_token="",
        )


def _spell_out_tools(turns: list[Turn], tools: Sequence[Turn]) -> list[Turn]:
    """Write tools, calls and results into plain turns, for templates that know none of them."""
    spelled = []
    for turn in turns:
        content, role = turn["content"], turn["role"]
        if role == "tool":
            spelled.append({"role": "user", "content": f"<tool_response>\n{content}\n</tool_response>"})
        elif turn.get("tool_calls"):
            calls = written_calls(turn["tool_calls"])
            spelled.append({"role": role, "content": f"{content}\n{calls}" if content else calls})
        else:
            spelled.append({"role": role, "content": content})
    if not tools:
        return spelled
    preamble = tool_preamble(tools)
    if spelled and spelled[0]["role"] == "system":
        spelled[0] = {"role": "system", "content": f"{spelled[0]['content']}\n\n{preamble}"}
    else:
        spelled.insert(0, {"role": "system", "content": preamble})
    return spelled


def _merge_neighbours(turns: Sequence[Turn]) -> list[Turn]:
    """Join neighbouring plain turns of one role: many templates refuse two in a row."""
    merged: list[Turn] = []
    for turn in turns:
        previous = merged[-1] if merged else None
        is_plain = turn["role"] != "tool" and not turn.get("tool_calls")
        if previous and is_plain and previous["role"] == turn["role"] and not previous.get("tool_calls"):
            merged[-1] = {**previous, "content": f"{previous['content']}\n\n{turn['content']}"}
        else:
            merged.append(turn)
    return merged


def _fold_system(turns: Sequence[Turn]) -> list[Turn]:
    if not turns or turns[0]["role"] != "system":
        return list(turns)
    system, *rest = turns
    if rest and rest[0]["role"] == "user":
        return [{**rest[0], "content": f"{system['content']}\n\n{rest[0]['content']}"}, *rest[1:]]
    return [{"role": "user", "content": system["content"]}, *rest]


def _to_json(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(pattern: str) -> str:
    return datetime.now().astimezone().strftime(pattern)
