"""Notices to a model: messages in the user's place that the user did not write."""

from __future__ import annotations

from langchain_core.messages import BaseMessage, HumanMessage

_NOTICE = "notice"

__all__ = ["is_from_user", "notice"]


def notice(text: str) -> HumanMessage:
    """Return a message that tells the model something; it goes into a request and never into the state."""
    return HumanMessage(f"Notice: {text}", additional_kwargs={_NOTICE: True})


def is_from_user(message: BaseMessage) -> bool:
    """Tell whether the user wrote a message, rather than one of our parts."""
    return isinstance(message, HumanMessage) and not message.additional_kwargs.get(_NOTICE)
