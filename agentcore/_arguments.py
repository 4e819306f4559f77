"""What an agent may be made of and asked: each argument that cannot be meant is refused at once, with its cure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from langchain_core.language_models.chat_models import BaseChatModel

from agentcore.config import is_user
from agentcore.decoding.trimming import TrimmingConfig
from agentcore.errors import ConfigurationError
from agentcore.middleware.budget import Budget
from agentcore.tools import ToolSpec
from agentcore.workflow.dependencies import WorkflowSettings
from agentcore.workflow.language import ChoiceMode
from agentcore.workflow.reading.settings import ReaderSettings
from agentcore.workflow.state import Turn

__all__ = ["check_parts", "checked_conversation", "checked_question", "checked_tools"]

MAX_QUESTION_CHARACTERS = 20_000

_KINDS: dict[str, type] = {
    "budget": Budget,
    "settings": WorkflowSettings,
    "reading": ReaderSettings,
    "trimming": TrimmingConfig,
}


def check_parts(*, backbone: Any, user_id: Any, choice: Any, embedder: Any, **others: Any) -> None:
    """Compare an agent's parts with what the workflow asks of them.

    Raises
    ------
    ConfigurationError
        One cannot be used.
    """
    if not isinstance(backbone, str | BaseChatModel):
        raise ConfigurationError(
            f"backbone is a {type(backbone).__name__}: give a name such as 'local', or a chat model"
        )
    if not is_user(user_id):
        raise ConfigurationError(
            f"user_id is {user_id!r}: give a name of 1 to 512 characters without control characters"
        )
    modes = get_args(ChoiceMode)
    if choice is not None and choice not in modes:
        raise ConfigurationError(f"choice is {choice!r}: use {', '.join(map(repr, modes))} or None")
    if embedder is not None and not hasattr(embedder, "encode"):
        raise ConfigurationError(f"embedder is a {type(embedder).__name__}: give one with encode, or None")
    for name, kind in _KINDS.items():
        if others[name] is not None and not isinstance(others[name], kind):
            raise ConfigurationError(
                f"{name} is a {type(others[name]).__name__}: give a {kind.__name__} or None"
            )


def checked_tools(tools: Any) -> Sequence[ToolSpec]:
    """Return the tools, all of them ours.

    Raises
    ------
    ConfigurationError
        One is a function, a LangChain tool or something else.
    """
    for tool in tools if isinstance(tools, Sequence) else [tools]:
        if not isinstance(tool, ToolSpec):
            raise ConfigurationError(
                f"tools holds {tool!r}: give a sequence of agentcore.tools.ToolSpec(name, description, parameters, "
                "function)"
            )
    return list(tools)


def checked_question(question: Any) -> str:
    """Return the question without surrounding space, or say what is wrong with it.

    Raises
    ------
    ConfigurationError
        It is empty, no text, or far too long.
    """
    text = question.strip() if isinstance(question, str) else ""
    if not text:
        raise ConfigurationError("the question is empty: ask something")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ConfigurationError(
            "the question holds half a surrogate pair: replace it first, for instance with "
            "text.encode('utf-8', 'replace').decode()"
        )
    if len(text) > MAX_QUESTION_CHARACTERS:
        raise ConfigurationError(
            f"the question has {len(text):,} characters: ask in at most {MAX_QUESTION_CHARACTERS:,} and put long "
            "material into the corpus"
        )
    return text


def checked_conversation(turns: Sequence[Any]) -> list[Turn]:
    """Return the earlier turns; what a turn does not say is empty.

    Raises
    ------
    ConfigurationError
        A turn lacks its question.
    """
    checked: list[Turn] = []
    for turn in turns:
        if not isinstance(turn, Mapping) or not isinstance(turn.get("question"), str):
            raise ConfigurationError(
                f"the conversation holds {turn!r}: give turns with question, answer and titles, as Result.as_turn does"
            )
        titles = [str(title) for title in turn.get("titles") or ()]
        checked.append(
            {"question": turn["question"], "answer": str(turn.get("answer") or ""), "titles": titles}
        )
    return checked
