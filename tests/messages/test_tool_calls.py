"""Tool calls as models write them: repaired, told back or left as text; never dropped, never invented."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from langchain_core.messages import AIMessage

from agentcore.messages import ReadMessage, WrittenCall, find_calls, read_message, repair_call, tell_problems

DATA = json.loads((Path(__file__).parent.parent / "data" / "tool_calls.json").read_text(encoding="utf-8"))
TOOLS: dict[str, Any] = DATA["tools"]
CASES: list[dict[str, Any]] = DATA["cases"]


def message_of(case: dict[str, Any]) -> AIMessage:
    if case["where"] == "text":
        return AIMessage(case["text"])
    broken = {
        "name": case["name"],
        "args": case["text"],
        "id": "c1",
        "error": "",
        "type": "invalid_tool_call",
    }
    return AIMessage("", invalid_tool_calls=[broken])


def usable(read: ReadMessage) -> list[dict[str, Any]]:
    return [{"name": c.name, "arguments": dict(c.arguments)} for c in read.calls if c.is_usable]


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [value]


def is_written(value: Any, text: str) -> bool:
    """Tell whether a value stands in the text, in any case and escaping."""
    plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text).casefold()
    if isinstance(value, str):
        return all(word in plain for word in re.findall(r"\w+", value.casefold()))
    return json.dumps(value) in plain or repr(value).casefold() in plain


def test_the_corpus_is_large_and_varied() -> None:
    """There are at least sixty strings that something is wrong with, under unique names."""
    assert len({case["id"] for case in CASES}) == len(CASES)
    assert len([case for case in CASES if case["expect"] != "text"]) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_each_string_comes_to_what_it_should(case: dict[str, Any]) -> None:
    """Calls are read as they were meant, the unusable are told back, and text stays text."""
    message = message_of(case)
    read = read_message(message, TOOLS)
    match case["expect"]:
        case "call":
            assert not read.problems
            assert usable(read) == case["calls"]
            assert read.message.text.strip() == case.get("rest", "")
        case "problem":
            assert read.problems
            assert not usable(read)
        case "both":
            assert read.problems
            assert usable(read) == case["calls"]
        case "any":
            assert read.calls
        case "text":
            assert read.message is message


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_nothing_is_dropped_and_nothing_invented(case: dict[str, Any]) -> None:
    """A call is usable or has a problem; usable ones exist, fit their schema and hold only what was written."""
    read = read_message(message_of(case), TOOLS)
    assert not read.message.invalid_tool_calls
    assert len(read.message.tool_calls) == len(read.calls)
    assert all(call["id"] for call in read.message.tool_calls)
    if case["expect"] != "text":
        assert read.calls
    for call in read.calls:
        if call.is_usable:
            Draft202012Validator(TOOLS[call.name]).validate(call.arguments)
            assert all(is_written(value, case["text"]) for value in leaves(call.arguments))
        else:
            assert (
                call.written.text.strip() in case["text"].replace("｜", "|").replace("▁", "_")
                or call.written.name
            )


@pytest.mark.parametrize(
    "case", [c for c in CASES if c["expect"] in ("problem", "both")], ids=lambda c: str(c["id"])
)
def test_what_is_told_back_answers_every_call(case: dict[str, Any]) -> None:
    """Each unusable call gets one error message in one paragraph that says why and what is right."""
    read = read_message(message_of(case), TOOLS)
    answers = tell_problems(read, TOOLS)
    assert [a.tool_call_id for a in answers] == [c["id"] for c in read.message.tool_calls]
    assert all(a.status == "error" and "\n" not in str(a.content) for a in answers)
    only = tell_problems(read, TOOLS, only_unusable=True)
    assert {a.tool_call_id for a in only} == set(read.problems)


def test_calls_of_the_protocol_go_before_text() -> None:
    """Text that looks like a call is not read when the message has a real one."""
    message = AIMessage(
        '<tool_call>{"name": "add", "arguments": {"a": 9, "b": 9}}</tool_call>',
        tool_calls=[{"name": "add", "args": {"a": "1", "b": 2}, "id": "x", "type": "tool_call"}],
    )
    read = read_message(message, TOOLS)
    assert [(c["args"], c["id"]) for c in read.message.tool_calls] == [({"a": 1, "b": 2}, "x")]
    assert "tool_call" in read.message.text


def test_reasoning_is_kept_and_not_searched() -> None:
    """A call that the model only thought about is none, and the thought stays a block."""
    thought = {"type": "reasoning", "reasoning": '<tool_call>{"name": "list_documents"}</tool_call>'}
    assert not read_message(AIMessage(content=[thought, {"type": "text", "text": "Done."}]), TOOLS).calls
    said = {"type": "text", "text": '<tool_call>{"name": "list_documents"}</tool_call>'}
    read = read_message(AIMessage(content=[thought, said]), TOOLS)
    assert [c["name"] for c in read.message.tool_calls] == ["list_documents"]
    assert read.message.content == [thought]


def test_repeated_ids_become_different_ones() -> None:
    """Two calls of one id, as some servers send them, can be told apart afterwards."""
    calls = [{"name": "add", "args": {"a": n, "b": n}, "id": "call_0", "type": "tool_call"} for n in (1, 2)]
    read = read_message(AIMessage("", tool_calls=calls), TOOLS)
    assert len({c["id"] for c in read.message.tool_calls}) == 2


def test_names_that_differ_by_a_word_are_not_near() -> None:
    """A tool that does something else is never called in place of one that is missing."""
    schemas = {"set_user": {}, "enable_alarm": {}, "import_file": {}, "unlock_door": {}}
    for name in ("get_user", "disable_alarm", "export_file", "lock_door", "set_users_all", "user"):
        assert not repair_call(WrittenCall("x", {}, name=name), schemas)[0].is_usable


def test_a_slip_between_two_tools_is_not_decided() -> None:
    """If two tools are equally near, neither is called."""
    schemas = {"search_pages": {}, "search-pages": {}}
    assert not repair_call(WrittenCall("x", {}, name="searchPages"), schemas)[0].is_usable


def test_two_arguments_on_one_name_are_a_problem() -> None:
    """An argument under its name and under a near one is not silently overwritten."""
    found = repair_call(WrittenCall("x", {"query": "a", "0": "b"}, name="search_corpus"), TOOLS)
    assert not found[0].is_usable


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case["expect"] == "call" and case["where"] == "text"],
    ids=lambda c: c["id"],
)
def test_a_text_cut_anywhere_never_gives_other_values(case: dict[str, Any]) -> None:
    """Wherever a stream is cut, a call that is still usable holds whole values of the uncut one, or less calls."""
    texts = {leaf for call in case["calls"] for leaf in leaves(call["arguments"]) if isinstance(leaf, str)}
    for cut in range(len(case["text"]) + 1):
        for call in usable(read_message(AIMessage(case["text"][:cut]), TOOLS)):
            assert {leaf for leaf in leaves(call["arguments"]) if isinstance(leaf, str)} <= texts


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200))
def test_any_text_is_read_without_failing(text: str) -> None:
    """No text of a model raises, in or out of marks, and usable calls are always of known tools."""
    for whole in (text, f"<tool_call>{text}</tool_call>", f"```json\n{text}", f"<|python_tag|>{text}"):
        for call in read_message(AIMessage(whole), TOOLS).calls:
            assert not call.is_usable or call.name in TOOLS


_VALUES = st.fixed_dictionaries(
    {"query": st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)},
    optional={"limit": st.integers(-(10**12), 10**12)},
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_VALUES)
def test_correct_calls_are_read_exactly(arguments: dict[str, Any]) -> None:
    """What is right already comes through unchanged, whatever characters it holds."""
    body = json.dumps({"name": "search_corpus", "arguments": arguments})
    read = repair_call(WrittenCall("hermes", body), TOOLS)
    assert [(dict(c.arguments), c.changes) for c in read] == [(arguments, ())]


def test_the_text_without_its_calls_is_kept() -> None:
    """What the model says beside a call stays its text."""
    text = 'First.\n<tool_call>{"name": "list_documents"}</tool_call>\nLast.'
    found = find_calls(text, TOOLS)
    assert "First." in found.text
    assert "Last." in found.text
    assert "tool_call" not in found.text
