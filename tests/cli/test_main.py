"""The root command: quick, quiet about nothing, and clear about mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run

HEAVY = (
    "torch",
    "langgraph",
    "langchain",
    "langchain_core",
    "faiss",
    "onnxruntime",
    "numpy",
    "openai",
    "pydantic",
    "rich",
)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["models", "--help"], ["nonsense"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """Help, version and a wrong name answer without importing what the work needs."""
    program = (
        "import sys\nfrom agentcore.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command(run: Run) -> None:
    """The table in the help and what can be called are the same."""
    from agentcore.cli._main import cli

    done = run("--help")
    assert done.returncode == 0
    for name in cli.lazy:
        assert f"\n  {name} " in done.stdout
        assert run(name, "--help").returncode == 0


def test_the_help_line_of_a_command_is_that_of_its_table() -> None:
    """A command's own short help does not drift from the line in the root's table."""
    import click

    from agentcore.cli._main import cli

    context = click.Context(cli)
    for name, entry in cli.lazy.items():
        command = cli.get_command(context, name)
        assert command is not None and command.name == name
        assert (command.help or "").startswith(
            entry.help.rstrip(".").split(",")[0].split(":")[0].split(";")[0]
        )


def test_a_mistyped_command_names_the_nearest(run: Run) -> None:
    """Wrong usage is exit code 2, one line on stderr, nothing on stdout."""
    done = run("modelz")
    assert done.returncode == 2 and done.stdout == ""
    assert "did you mean 'models'" in done.stderr and done.stderr.count("\n") == 1


def test_no_command_shows_the_help_as_wrong_usage(run: Run) -> None:
    """Calling nothing is answered with the help, and not taken for success."""
    done = run()
    assert done.returncode == 2 and "Commands:" in done.stderr


def test_version_is_the_distributions(run: Run) -> None:
    """The version printed is the installed one."""
    import agentcore

    assert run("--version").stdout.strip() == f"agentcore {agentcore.__version__}"


def test_an_unknown_model_is_a_failure_in_one_line(run: Run) -> None:
    """A wrong name is wrong usage: one line with the known ones, without a traceback."""
    done = run("models", "path", "gpt-7")
    assert done.returncode == 2 and done.stderr.startswith("error: no model is called 'gpt-7'")
    assert done.stderr.count("\n") == 1


def test_the_traceback_can_be_asked_for(run: Run) -> None:
    """AGENTCORE_DEBUG=1 shows where an error came from, beside its line."""
    assert "Traceback" in run("models", "path", "gpt-7", AGENTCORE_DEBUG="1").stderr


def test_models_list_prints_one_json_document(run: Run) -> None:
    """`--json` is one document, with the hash and the licence of each model."""
    rows = json.loads(run("models", "list", "--json").stdout)
    assert {row["name"] for row in rows} >= {"smollm2", "minilm"}
    assert all(row["licence"] and len(row["sha256"]) == 64 for row in rows)


def test_a_pulled_model_has_a_path_and_another_the_cure(run: Run, tmp_path: Path) -> None:
    """`models path` prints where a model lies, or how to get it."""
    done = run("models", "path", "smollm2", AGENTCORE_CACHE=str(tmp_path / "empty"))
    assert done.returncode == 1 and "agentcore models pull smollm2" in done.stderr
    model = tmp_path / "full" / "models" / "smollm2" / "model.gguf"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"GGUF")
    done = run("models", "path", "smollm2", AGENTCORE_CACHE=str(tmp_path / "full"))
    assert done.returncode == 0 and done.stdout.strip() == str(model)


def test_doctor_names_a_cure_for_what_is_missing(run: Run, tmp_path: Path) -> None:
    """A missing model is found and its command named; nothing is broken, so the code is 0."""
    done = run("doctor", "--json", AGENTCORE_CACHE=str(tmp_path / "empty"))
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0
    assert findings["model smollm2"]["cure"] == "agentcore models pull smollm2"


def test_doctor_fails_when_something_is_broken(run: Run) -> None:
    """A memory file that cannot be written is broken: exit code 1."""
    done = run("doctor", AGENTCORE_MEMORY="/proc/memory.db")
    assert done.returncode == 1 and "cannot be written" in done.stdout


def test_a_reader_that_leaves_is_no_error(run: Run, environment: dict[str, str]) -> None:
    """`agentcore … | head` ends in silence and with code 0, whether one print or the last one finds the reader gone."""
    for shown in ("models list --json", "config"):
        command = f"{sys.executable} -m agentcore.cli {shown} | true; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, env=environment, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), shown


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_made(run: Run, shell: str) -> None:
    """The documented variable prints a completion script."""
    assert "agentcore" in run(_AGENTCORE_COMPLETE=f"{shell}_source").stdout
