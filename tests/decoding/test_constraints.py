"""Output under a schema or grammar: always parses, always validates, ends inside its budget."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentcore.decoding import (
    ConstraintError,
    GrammarConstraint,
    JsonSchemaConstraint,
    LanguageModel,
    Sampling,
    generate,
)
from agentcore.decoding.constraints import closing_tokens, json_rule, parse_json
from agentcore.decoding.speculation import speculate

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
}
Tiny = Callable[..., LanguageModel]


def constrained(model: LanguageModel, constraint: object, **options: object) -> str:
    steps = generate(model, [5, 6, 7], constraint=constraint, **options)
    return "".join(step.text for step in steps)


schemas = st.recursive(
    st.sampled_from(
        [
            {"type": "string"},
            {"type": "string", "maxLength": 5},
            {"type": "integer"},
            {"type": "number"},
            {"type": "boolean"},
            {"type": "null"},
            {"enum": ["red", "green", 3]},
            {"const": "x"},
        ]
    ),
    lambda inner: (
        st.builds(lambda items: {"type": "array", "items": items, "maxItems": 4}, inner)
        | st.builds(
            lambda a, b, need: {
                "type": "object",
                "properties": {"a": a, "b": b},
                "required": ["a", "b"] if need else ["a"],
                "additionalProperties": False,
            },
            inner,
            inner,
            st.booleans(),
        )
    ),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(schema=schemas, seed=st.integers(0, 1000))
def test_a_random_model_always_validates(schema: dict, seed: int, tiny: Tiny) -> None:
    """Whatever the schema and however random the model, the finished output parses and validates."""
    model = tiny()
    constraint = JsonSchemaConstraint(schema, model.tokenizer)
    text = constrained(model, constraint, max_new_tokens=160, sampling=Sampling(temperature=1.5, seed=seed))
    parse_json(text, schema)


@pytest.mark.parametrize("budget", [45, 60, 100])
def test_the_output_closes_inside_its_budget(budget: int, tiny: Tiny) -> None:
    """A string that would never end is closed so that the document validates within `max_new_tokens`."""
    model = tiny()
    for seed in range(8):
        steps = list(
            generate(
                model,
                [5, 6, 7],
                constraint=JsonSchemaConstraint(PERSON, model.tokenizer),
                max_new_tokens=budget,
                sampling=Sampling(temperature=2.0, seed=seed),
            )
        )
        assert len(steps) <= budget
        parse_json("".join(step.text for step in steps), PERSON)


def test_nothing_is_begun_that_the_budget_cannot_end(tiny: Tiny) -> None:
    """Where the output may end but the model wants more than fits, it ends."""
    model = tiny()
    grammar = 'start: item ("," item)*\nitem: "begin" /[a-z]{4}/ "middle" /[0-9]{4}/ "end"'
    for budget in (30, 50, 70):
        constraint = GrammarConstraint(grammar, model.tokenizer)
        steps = list(generate(model, [5, 6, 7], constraint=constraint, max_new_tokens=budget))
        text = "".join(step.text for step in steps)
        assert text.startswith("begin")
        assert text.endswith("end")


def test_json_is_compact_by_default_and_spaced_on_request(tiny: Tiny) -> None:
    """No blanks are possible between items unless they are asked for."""
    tokenizer = tiny().tokenizer
    compact = JsonSchemaConstraint(PERSON, tokenizer)
    spaced = JsonSchemaConstraint(PERSON, tokenizer, separators=(", ", ": "))
    for constraint, text in ((compact, '{"name":"x","age":1}'), (spaced, '{"name": "x", "age": 1}')):
        assert constraint.fork().advance(tokenizer.encode(text)) == len(tokenizer.encode(text))
    assert compact.advance(tokenizer.encode('{"name": ')) < len(tokenizer.encode('{"name": '))


def test_forced_tokens_cost_no_forward(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the grammar leaves no choice, tokens are committed without asking the model."""
    model, forwards = tiny(), []
    forward = model._forward
    monkeypatch.setattr(model, "_forward", lambda batch: forwards.append(len(batch)) or forward(batch))
    schema = {"type": "object", "properties": {"identifier": {"type": "boolean"}}, "required": ["identifier"]}
    constraint = JsonSchemaConstraint({**schema, "additionalProperties": False}, model.tokenizer)
    steps = list(generate(model, [5, 6, 7], constraint=constraint, max_new_tokens=60))
    assert sum(step.is_forced for step in steps) >= 12
    assert len(forwards) == sum(not step.is_forced for step in steps)


def test_a_constraint_serves_one_output(tiny: Tiny) -> None:
    """Used for a second output it says so; a fork made before the first still serves."""
    model = tiny()
    constraint = JsonSchemaConstraint({"type": "boolean"}, model.tokenizer)
    spare = constraint.fork()
    outputs = []
    for each in (constraint, spare):
        outputs.append("".join(step.text for step in generate(model, [5], constraint=each)))
    assert outputs[0] == outputs[1] and outputs[0] in ("true", "false")
    with pytest.raises(ConstraintError, match="finished"):
        list(generate(model, [5], constraint=constraint))
    with pytest.raises(ConstraintError, match="finished"):
        list(speculate(model, [5], drafter=[], constraint=constraint))


def test_rollback_and_fork_restore_the_state(tiny: Tiny) -> None:
    """Undone tokens leave the same choices, and a fork does not move the original."""
    tokenizer = tiny().tokenizer
    constraint = JsonSchemaConstraint(PERSON, tokenizer)
    constraint.advance(tokenizer.encode('{"name":"'))
    before = constraint.allowed()
    constraint.advance(tokenizer.encode("Bo"))
    constraint.rollback(len(tokenizer.encode("Bo")))
    assert constraint.allowed().equal(before)
    constraint.fork().advance(tokenizer.encode('Bo","age":4'))
    assert constraint.allowed().equal(before)


def test_a_forbidden_token_is_not_taken(tiny: Tiny) -> None:
    """Advancing stops before the first token that breaks the grammar, and the constraint lives on."""
    tokenizer = tiny().tokenizer
    constraint = JsonSchemaConstraint(PERSON, tokenizer)
    good = tokenizer.encode('{"name":"B"')
    assert constraint.advance([*good, *tokenizer.encode("}")]) == len(good)
    assert not constraint.is_complete
    assert constraint.advance(tokenizer.encode(',"age":1}')) == len(tokenizer.encode(',"age":1}'))
    assert constraint.is_complete


def test_closing_is_a_way_to_the_end(tiny: Tiny) -> None:
    """The closing tokens complete the document from any state, or are refused where the limit is too small."""
    tokenizer = tiny().tokenizer
    constraint = JsonSchemaConstraint(PERSON, tokenizer)
    for prefix in ("", '{"na', '{"name":"Bo', '{"name":"Bo","age":1', '{"name":"Bo","age":1,"tags":["a"'):
        state = constraint.fork()
        state.advance(tokenizer.encode(prefix))
        closing = closing_tokens(state, tokenizer, limit=60)
        assert closing is not None
        parse_json(prefix + tokenizer.decode(closing), PERSON)
    assert closing_tokens(constraint, tokenizer, limit=3) is None


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [({"type": "array", "uniqueItems": True}, "uniqueItems"), ({"not": {"type": "string"}}, "not")],
)
def test_a_keyword_that_cannot_be_enforced_is_named(schema: dict, keyword: str, tiny: Tiny) -> None:
    """A schema is refused with the keyword's name, or on request taken without that keyword."""
    tokenizer = tiny().tokenizer
    with pytest.raises(ConstraintError, match=keyword):
        JsonSchemaConstraint(schema, tokenizer)
    JsonSchemaConstraint(schema, tokenizer, is_lenient=True)


def test_a_grammar_may_embed_schemas(tiny: Tiny) -> None:
    """Rules of a grammar can be JSON documents, as tool calls are."""
    model = tiny()
    rule = json_rule(
        {
            "type": "object",
            "properties": {"n": {"type": "integer"}},
            "required": ["n"],
            "additionalProperties": False,
        }
    )
    constraint = GrammarConstraint(f'start: "<" body ">"\nbody: {rule}', model.tokenizer)
    text = constrained(model, constraint, max_new_tokens=60)
    parse_json(text[1:-1], {"type": "object", "required": ["n"]})
    assert (text[0], text[-1]) == ("<", ">")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"name": 1, "age": 2}', r"\$\.name"),
        ('{"name": "x"}', "age"),
    ],
)
def test_validation_says_what_is_wrong(text: str, message: str) -> None:
    """A document that is broken or breaks its schema is refused with the place."""
    with pytest.raises(ConstraintError, match=message):
        parse_json(text, PERSON)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "nope"}, "the schema itself is invalid"),
        (None, "the schema itself is invalid"),
        ({"$ref": "#/nowhere"}, "refers to what is not in it"),
        ({"$ref": "https://example.org/schema"}, "refers to what is not in it"),
    ],
)
def test_a_schema_that_is_none_is_named(schema: dict, message: str) -> None:
    """Validation tells a broken schema from a broken document, without the network."""
    with pytest.raises(ConstraintError, match=message):
        parse_json("5", schema)


def test_a_token_that_is_none_is_told_in_a_line(tiny: Tiny) -> None:
    """A grammar fed with a token outside the vocabulary says so, without its library's inner state."""
    constraint = JsonSchemaConstraint(PERSON, tiny().tokenizer)
    with pytest.raises(ConstraintError, match="out of range") as caught:
        constraint.advance([10**6])
    assert len(str(caught.value)) < 200
