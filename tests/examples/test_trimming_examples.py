"""The trimming examples run: a bare stream, a LangChain agent, our own workflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from chat_server import Reply, chunk, obliging_model, serving

from agentcore.memory.embedding import model_directory

EXAMPLES = Path(__file__).parents[2] / "examples"
LOOP = "Let me go over all of the passages once more, one after the other, to see which of them names the place that was asked for here. "


def run(name: str, *arguments: str, home: Path) -> str:
    """Run an example as its reader would and return what it printed."""
    environment = {
        **os.environ,
        "XDG_STATE_HOME": str(home),
        "XDG_DATA_HOME": str(home),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_bare_stream(tmp_path: Path) -> None:
    """A stream is cut, continued and answered without any framework."""
    printed = run("trim_stream.py", home=tmp_path)
    assert "cut (over_thinking" in printed
    assert printed.rstrip().endswith("answer: The final answer is \\boxed{56}.")


def test_the_langchain_agent(tmp_path: Path) -> None:
    """A plain agent with two other middlewares is trimmed, says so in its stream, and never waited."""
    printed = run("trim_create_agent.py", home=tmp_path)
    assert "thinking cut: over_thinking" in printed
    assert "\\boxed{56}" in printed
    assert "1 of 1 calls cut, decoder waited 0 ms" in printed


def thinking_model(request: dict[str, Any]) -> Reply:
    """Serve a model that goes round in circles before it does what is asked."""
    reply = obliging_model(request)
    if reply.events is None or request["messages"][-1]["role"] == "assistant":
        return reply
    thoughts = [chunk({"reasoning_content": word + " "}) for word in (LOOP * 12).split()]
    return Reply(events=[reply.events[0], *thoughts, *reply.events[1:]])


@pytest.mark.skipif(
    not (model_directory() / "tokenizer.json").is_file(),
    reason="the embedder is not on this machine: agentcore models pull minilm",
)
def test_the_workflow(tmp_path: Path) -> None:
    """The research workflow over a served reasoning model ends, with its runaway thinking cut in every call."""
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "piano.md").write_text(
        "# Piano\n\nThe piano was invented by Bartolomeo Cristofori, who was born in Padua.\n"
    )
    with serving(thinking_model) as server:
        backbone = f"openai:served@{server.url}"
        printed = run("trim_workflow.py", "--backbone", backbone, "--corpus", str(documents), home=tmp_path)
        bodies = [json.dumps(request.body) for request in server.requests]
    assert "thinking cut: repetition" in printed
    assert "answer:" in printed
    assert any("continue_final_message" in body for body in bodies)
