"""Record the traffic of the decoding benchmark over documents: real tools, real prompts, the real backbone.

For each question: a tool call that must search, its real result, a second call that may follow, then an answer that quotes
what was found; the workflow's own run, whatever it asks of the model; and now and then a question without any source. Run it as
``python -m agentcore.evaluation.decoding_recording --questions examples/questions.json --out FILE``; any file that
`agentcore bench agent --data` takes will do.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agentcore.agent import Agent
from agentcore.corpus import Corpus
from agentcore.evaluation.agent_questions import load_questions
from agentcore.evaluation.decoding_traffic import RecordingModel, Request, write_traffic

__all__ = ["main", "record", "record_file"]

_SYSTEM = "You are a research assistant. Search the documents with the tools, then answer from what they say."
_QUOTE = "Quote the sentences that answer the question word by word, each with its source, then give the answer.\nQuestion: "
_FREE = "Explain in a short paragraph what a reader should know to understand this question: "
_FREE_EVERY = 3


def record(corpus: Corpus, questions: Sequence[str]) -> list[Request]:
    """Return the requests of an agent that answers `questions` over `corpus`."""
    model = RecordingModel(model="smollm2", max_tokens=96)
    with tempfile.TemporaryDirectory() as folder:
        agent = Agent(model, corpus=corpus, runs=Path(folder) / "runs.db")
        for number, question in enumerate(questions):
            model.text.run_name = f"question-{number}"
            _one_run(model, corpus, question)
            agent.run(question)
            if number % _FREE_EVERY == 0:
                model.text.kind = "free"
                model.invoke([HumanMessage(_FREE + question)])
    return list(model.text.requests)


def record_file(questions: Path, *, limit: int) -> list[Request]:
    """Record `limit` questions, spread evenly, of a file that `load_questions` reads.

    Raises
    ------
    ConfigurationError
        If the file holds no questions.
    """
    chosen = load_questions(questions)
    step = max(1, len(chosen.questions) // limit)
    with chosen.corpus as corpus:
        return record(corpus, [question.text for question in chosen.questions[::step][:limit]])


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
    parser.add_argument("--questions", type=Path, required=True, help="a file as for bench agent --data")
    parser.add_argument("--limit", type=int, default=9)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    requests = record_file(chosen.questions, limit=chosen.limit)
    write_traffic(chosen.out, requests)
    sys.stderr.write(f"{len(requests)} requests, {chosen.out.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
