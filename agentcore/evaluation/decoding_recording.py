"""Record the traffic of the decoding benchmark over a folder of documents: real tools, real prompts, the real backbone.

For each question: a tool call that must search, its real result, a second call that may follow, then an answer that quotes
what was found; and now and then a question without any source. Run it as
``python -m agentcore.evaluation.decoding_recording --corpus examples/corpus --questions examples/questions.json --out FILE``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agentcore.corpus import Corpus
from agentcore.evaluation.decoding_traffic import RecordingModel, Request, write_traffic

__all__ = ["main", "record"]

_SYSTEM = "You are a research assistant. Search the documents with the tools, then answer from what they say."
_QUOTE = "Quote the sentences that answer the question word by word, each with its source, then give the answer.\nQuestion: "
_FREE = "Explain in a short paragraph what a reader should know to understand this question: "
_FREE_EVERY = 3


def record(corpus: Path, questions: Sequence[str]) -> list[Request]:
    """Return the requests of an agent that answers `questions` over `corpus`."""
    model = RecordingModel(model="smollm2", max_tokens=96)
    with Corpus.open(corpus) as documents:
        for number, question in enumerate(questions):
            model.text.run_name = f"question-{number}"
            _one_run(model, documents, question)
            if number % _FREE_EVERY == 0:
                model.text.kind = "free"
                model.invoke([HumanMessage(_FREE + question)])
    return list(model.text.requests)


def _one_run(model: RecordingModel, documents: Corpus, question: str) -> None:
    tools = documents.tools()
    schemas = [
        {
            "type": "function",
            "function": {"name": t.name, "description": t.description, "parameters": t.parameters},
        }
        for t in tools
    ]
    by_name = {tool.name: tool.function for tool in tools}
    messages: list[BaseMessage] = [SystemMessage(_SYSTEM), HumanMessage(question)]
    found = ""
    for _ in range(2):
        answer = model.bind_tools(schemas, tool_choice="any", parallel_tool_calls=False).invoke(messages)
        messages.append(answer)
        for call in answer.tool_calls:
            found = _result(by_name[call["name"]], call["args"])
            messages.append(ToolMessage(found, tool_call_id=call["id"]))
    best = "\n\n".join(f"[{hit.source}] {hit.text}" for hit in documents.search(question, 2))
    model.text.kind = "quote"
    model.invoke([SystemMessage(_SYSTEM), HumanMessage(f"{best}\n\n{_QUOTE}{question}")])


def _result(function: Any, arguments: dict[str, Any]) -> str:
    """Return what the tool says, an error included: a model reads those too."""
    from agentcore.tools import ToolError

    try:
        return str(function(**arguments))[:1200]
    except (ToolError, TypeError, ValueError) as exc:
        return f"error: {exc}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Record and write."""
    parser = argparse.ArgumentParser(description="Record traffic for the decoding benchmark.")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True, help="JSON list of objects with a question")
    parser.add_argument("--limit", type=int, default=9)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    questions = [str(item["question"]) for item in json.loads(chosen.questions.read_text(encoding="utf-8"))]
    step = max(1, len(questions) // chosen.limit)
    requests = record(chosen.corpus, questions[::step][: chosen.limit])
    write_traffic(chosen.out, requests)
    sys.stderr.write(f"{len(requests)} requests, {chosen.out.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
