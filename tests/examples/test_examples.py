"""Every example runs as its first lines say."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from chat_server import Reply, call, completion, obliging_model, serving, streamed

from agentcore.memory.embedding import model_directory
from agentcore.models import path_of

TESTS = Path(__file__).resolve().parents[1]
EXAMPLES = TESTS.parent / "examples"
needs_embedder = pytest.mark.skipif(
    not (model_directory() / "tokenizer.json").is_file(),
    reason="the embedder is not on this machine: agentcore models pull minilm",
)
needs_model = pytest.mark.skipif(
    path_of("smollm2") is None, reason="the model is not on this machine: agentcore models pull smollm2"
)


def run(name: str, folder: Path, *arguments: str, stdin: str = "") -> str:
    """Run an example in an empty folder and return what it printed."""
    environment = {key: value for key, value in os.environ.items() if not key.endswith("API_KEY")}
    environment |= {"XDG_STATE_HOME": str(folder / "state"), "XDG_DATA_HOME": str(folder / "data")}
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", str(EXAMPLES / f"{name}.py"), *arguments],
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_each_example_is_short_tested_and_says_how_to_start_it() -> None:
    """A script can be read in a minute, its docstring has its command, and a test names it."""
    scripts = {path.stem: path for path in EXAMPLES.glob("*.py")}
    tests = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    assert len(scripts) >= 8
    for name, path in scripts.items():
        assert f'"{name}"' in tests or f"{name}.py" in tests
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 80
        assert f"python examples/{name}.py" in (ast.get_docstring(ast.parse(text)) or "")


@needs_embedder
@needs_model
def test_researching_a_folder_answers_with_the_source(tmp_path: Path) -> None:
    """The embedded model finds the answer, and the printed quote stands in the named file."""
    out = run("research_a_folder", tmp_path)
    first, *citations = out.splitlines()
    assert "Padua" in first
    quoted = [line.split("] ", 1)[1].split(": ", 1) for line in citations if line.startswith("[")]
    assert quoted
    for source, quote in quoted:
        assert quote in (EXAMPLES / "corpus" / source).read_text(encoding="utf-8")


@needs_embedder
@needs_model
def test_chatting_remembers_across_starts(tmp_path: Path) -> None:
    """Two starts on one file: the second one counts the memories of both."""
    run("chat_with_memory", tmp_path, "chat.db", stdin="My sister Ada plays the theremin.\n")
    out = run("chat_with_memory", tmp_path, "chat.db", stdin="What does Ada play?\n")
    assert out.count("Agent:") == 1
    assert "4 memories in chat.db" in out


@needs_embedder
def test_memory_and_budget_drop_into_an_agent(tmp_path: Path) -> None:
    """The server's model hears the recalled memory, calls the tool and answers inside the budget."""
    script = iter(
        [
            completion(None, tool_calls=[call("opening_hours", '{"place": "Museum of Glass"', index=None)]),
            completion("From 10 to 18."),
        ]
    )
    with serving(lambda _: next(script)) as server:
        out = run("memory_and_budget_in_your_agent", tmp_path, f"openai:served@{server.url}")
    assert "From 10 to 18." in out
    assert "2 model calls, 36 tokens" in out
    assert "Museum of Glass" in server.requests[0].body["messages"][0]["content"]
    assert (
        server.requests[1].body["messages"][-1]["content"] == "Museum of Glass: Tuesday to Sunday, 10 to 18"
    )


def test_a_custom_tool_is_called_and_its_result_comes_back(tmp_path: Path) -> None:
    """A call with a number as text is mended, the function runs, and the model hears its result."""
    arguments = '{"value": "702", "unit": "feet"}'
    script = iter(
        [completion(None, tool_calls=[call("convert_length", arguments, index=None)]), completion("213.97 m")]
    )
    with serving(lambda _: next(script)) as server:
        out = run("custom_tool", tmp_path, f"openai:served@{server.url}")
    assert "213.97 metres" in out
    assert out.rstrip().endswith("213.97 m")


def test_a_program_becomes_a_backbone(tmp_path: Path) -> None:
    """What the program prints is the answer, without its reasoning."""
    program = "import sys; print('<think>', len(sys.stdin.read()) > 0, '</think> The Meuse.')"
    assert run("custom_backbone", tmp_path, sys.executable, "-c", program) == "The Meuse.\n"


@needs_embedder
def test_events_come_numbered_with_their_agents(tmp_path: Path) -> None:
    """The run can be followed from start to end, sub-agents by name."""
    with serving(obliging_model) as server:
        out = run(
            "stream_events", tmp_path, "Who invented the glass armonica?", f"openai:served@{server.url}"
        )
    lines = out.splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(1, len(lines) + 1))
    assert "run_started" in lines[0]
    assert "run_finished" in lines[-1]
    assert any("seeker" in line.split(":")[0] for line in lines)


@needs_embedder
def test_two_memories_are_compared_in_one_table(tmp_path: Path) -> None:
    """Both memories get figures, and SwiftMem finds at least as much as counting words."""
    header, *rows = run("compare_memories", tmp_path).splitlines()
    assert header.split() == ["memory", "recall@1", "recall@5", "ms/search"]
    counted, swift = (float(row.split()[-2]) for row in rows)
    assert swift >= counted


def test_a_server_streams_and_gives_structured_output(tmp_path: Path) -> None:
    """Reasoning and text are told apart, and the second answer is an object of the class."""

    def answer(request: dict[str, object]) -> Reply:
        if request.get("stream"):
            return streamed({"reasoning_content": "hm"}, {"content": "A "}, {"content": "river."})
        return completion('{"name": "Dinant", "reason": "its citadel"}')

    with serving(answer) as server:
        out = run("openai_compatible_server", tmp_path, f"served@{server.url}")
    assert out.splitlines() == ["(hm)A river.", "name='Dinant' reason='its citadel'"]


@needs_embedder
@needs_model
def test_the_code_of_the_readme_runs_as_printed(tmp_path: Path) -> None:
    """Each block can be pasted into an empty file beside the examples and run."""
    (tmp_path / "examples").symlink_to(EXAMPLES)
    blocks = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8").split("```python\n")[1:]
    assert len(blocks) >= 3
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    for block in blocks:
        code = block.partition("```")[0]
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
