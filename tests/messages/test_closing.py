"""Conversations with holes become ones that every server takes."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agentcore.messages import close_dangling_calls


def ask(*ids: str) -> AIMessage:
    calls = [{"name": "add", "args": {}, "id": identity, "type": "tool_call"} for identity in ids]
    return AIMessage("", tool_calls=calls)


def is_valid(messages: list[BaseMessage]) -> bool:
    """Tell whether the servers take them: each call is answered once, right behind its message, and nothing else is."""
    waiting: set[str] = set()
    for message in messages:
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in waiting:
                return False
            waiting.remove(message.tool_call_id)
            continue
        if waiting:
            return False
        if isinstance(message, AIMessage):
            waiting = {str(call["id"]) for call in message.tool_calls}
    return not waiting


def test_a_valid_conversation_comes_back_equal() -> None:
    """Nothing is changed where nothing is wrong."""
    messages = [
        SystemMessage("s"),
        HumanMessage("q"),
        ask("1", "2"),
        ToolMessage("a", tool_call_id="1"),
        ToolMessage("b", tool_call_id="2"),
        AIMessage("done"),
    ]
    assert close_dangling_calls(messages) == messages


def test_an_unanswered_call_gets_an_error() -> None:
    """A cancelled call is answered by an error with its name."""
    closed = close_dangling_calls([HumanMessage("q"), ask("1"), HumanMessage("next")])
    answer = closed[2]
    assert isinstance(answer, ToolMessage)
    assert (answer.tool_call_id, answer.name, answer.status) == ("1", "add", "error")


def test_late_answers_move_up_and_orphans_go() -> None:
    """An answer behind a user's message returns to its call; answers without a call and second ones go."""
    messages = [
        ToolMessage("orphan", tool_call_id="0"),
        ask("1"),
        HumanMessage("hurry"),
        ToolMessage("late", tool_call_id="1"),
        ToolMessage("twice", tool_call_id="1"),
    ]
    closed = close_dangling_calls(messages)
    assert [m.content for m in closed] == ["", "late", "hurry"]


def test_ids_that_are_used_again_belong_to_the_nearest_call() -> None:
    """Servers that count calls from zero in every turn do not mix up the turns."""
    messages = [
        ask("call_0"),
        ToolMessage("first", tool_call_id="call_0"),
        ask("call_0"),
        ToolMessage("second", tool_call_id="call_0"),
    ]
    assert close_dangling_calls(messages) == messages


def test_the_answer_of_an_unreadable_call_stays() -> None:
    """An invalid call needs no answer, and keeps the one that it has."""
    broken = AIMessage(
        "",
        invalid_tool_calls=[
            {"name": "add", "args": "{", "id": "1", "error": "", "type": "invalid_tool_call"}
        ],
    )
    answered = [broken, ToolMessage("no JSON", tool_call_id="1")]
    assert close_dangling_calls(answered) == answered
    assert close_dangling_calls([broken]) == [broken]


_MESSAGE = st.one_of(
    st.builds(HumanMessage, st.just("q")),
    st.builds(AIMessage, st.just("a")),
    st.lists(st.sampled_from("1234"), unique=True, max_size=3).map(lambda ids: ask(*ids)),
    st.sampled_from("1234").map(lambda i: ToolMessage("r", tool_call_id=i)),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_MESSAGE, max_size=12))
def test_any_conversation_becomes_valid_and_loses_no_words(messages: list[BaseMessage]) -> None:
    """Whatever was cut, cancelled or shuffled: valid afterwards, all but tool messages kept in order, idempotent."""
    closed = close_dangling_calls(messages)
    assert is_valid(closed)
    said = [m for m in messages if not isinstance(m, ToolMessage)]
    assert [m for m in closed if not isinstance(m, ToolMessage)] == said
    assert close_dangling_calls(closed) == closed
