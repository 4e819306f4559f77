"""Deterministic mode on the embedded model: speculation changes no token, whatever the method and the constraint."""

from __future__ import annotations

import itertools

import pytest

from agentcore.decoding import JsonSchemaConstraint, LanguageModel, generate, load_gguf
from agentcore.decoding.speculation import (
    METHODS,
    DraftPool,
    FixedLength,
    SpeculationReport,
    Speculator,
    shipped_head,
)

path_of = pytest.importorskip("agentcore.models").path_of
ROWS = 6
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"enum": ["search_documents", "read_document"]},
        "arguments": {
            "type": "object",
            "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
            "required": ["query", "limit"],
            "additionalProperties": False,
        },
    },
    "required": ["name", "arguments"],
    "additionalProperties": False,
}
PROMPTS = {
    "quote": "The comet was seen on 4 May 1957. The comet was seen again in June 1957. Quote both sentences:\nThe comet was seen",
    "tool": 'Find the observatory of Ilse Brandt.\nCall: {"name":"search_documents","arguments":{"query":"observatory","limit":5}}\n'
    "Find the comet of Ilse Brandt.\nCall: ",
}


def _load(tier: str) -> LanguageModel:
    path = path_of("smollm2")
    if path is None:
        pytest.skip("the embedded model is not pulled: agentcore models pull smollm2")
    return load_gguf(path, weights=tier)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def int4() -> LanguageModel:
    return _load("int4")


def _check(model: LanguageModel, *, methods: tuple[str, ...], length: int, prefix: int = 0) -> None:
    for kind, method in itertools.product(PROMPTS, methods):
        ids = model.tokenizer.encode("Notes on comets. " * prefix + PROMPTS[kind])

        def constraint(kind: str = kind) -> JsonSchemaConstraint | None:
            return JsonSchemaConstraint(SCHEMA, model.tokenizer) if kind == "tool" else None

        plain = [
            step.token_id
            for step in generate(model, ids, max_new_tokens=length, fixed_rows=ROWS, constraint=constraint())
        ]
        report = SpeculationReport()
        speculator = Speculator(
            model,
            methods=method,
            governor=FixedLength(ROWS - 1),
            pool=DraftPool(),
            draft_model=model,
            head=shipped_head(model),
        )
        steps = speculator.generate(
            ids, max_new_tokens=length, fixed_rows=ROWS, constraint=constraint(), report=report
        )
        assert [step.token_id for step in steps] == plain, f"{kind} by {method}"
        assert report.forwards <= len(plain)


def test_drafts_change_no_token_of_the_int4_tier(int4: LanguageModel) -> None:
    """With fixed rows, free and constrained text is bit for bit that of plain decoding, also where drafts use the model's cache."""
    _check(int4, methods=("suffix", "recycling", "draft_model", "recurrent"), length=24)


@pytest.mark.slow
@pytest.mark.parametrize("tier", ["int4", "int8", "bf16"])
def test_no_method_changes_a_token_of_any_tier(tier: str) -> None:
    """Every method on every tier, over a context that crosses the attention kernel's blocks."""
    _check(
        _load(tier),
        methods=(*METHODS, "auto"),
        length=64,
        prefix=110,
    )
