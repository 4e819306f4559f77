"""`agentcore ask` with a real workflow, corpus and memory; the model is a real HTTP server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, Reply, obliging_model, saying, serving, streamed

from agentcore.models import path_of

from .conftest import Run

pytestmark = pytest.mark.skipif(path_of("minilm") is None, reason="needs `agentcore models pull minilm`")

ANSWER = "the red sofa [1]"


def model(request: dict[str, Any]) -> Reply:
    """Answer the reader's question, and whatever else is asked in the form that it wants."""
    prompt = " ".join(str(message["content"]) for message in request["messages"])
    return saying(request, ANSWER) if "[1]" in prompt else obliging_model(request)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(model) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "documents"
    root.mkdir()
    (root / "cats.md").write_text("# Cats\n\nThe grey cat sleeps on the red sofa.")
    (root / "bread.txt").write_text("Bread\n\nThe bakery opens at seven o'clock.")
    return root


Ask = Callable[..., subprocess.CompletedProcess[str]]
QUESTION = "Where does the grey cat sleep?"


@pytest.fixture
def ask(here: Run, server: ChatServer, folder: Path, tmp_path: Path) -> Ask:
    def call(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        variables = {
            "AGENTCORE_BACKBONE": f"openai:served@{server.url}",
            "AGENTCORE_CORPUS": str(folder),
            "AGENTCORE_MEMORY": str(tmp_path / "memory.db"),
            "AGENTCORE_RUNS": str(tmp_path / "runs.db"),
            "OPENAI_API_KEY": "sk-secret-of-the-user",
        }
        return here("ask", *arguments, **{**variables, **options})

    return call


def test_the_answer_is_on_stdout_and_progress_on_stderr(ask: Ask) -> None:
    """A person reads the answer, its source with the quote, and which model made it."""
    done = ask(QUESTION)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "the red sofa"
    assert "[1] “The grey cat sleeps on the red sofa.”\n    Cats, cats.md:" in done.stdout
    assert lines[-1].startswith("-- served, chat mode")
    assert "plan:" in done.stderr and "plan:" not in done.stdout


def test_a_runaway_thinking_is_cut_in_one_dim_line(ask: Ask) -> None:
    """With --trim a model that goes round in circles is stopped, one line says so, and the answer is whole; without it nothing is cut."""
    circle = "I read the passage on the cat once more and it says where the cat sleeps, so I read the passage again to be sure of it. "

    def thinking(request: dict[str, Any]) -> Reply:
        whole = model({**request, "stream": False})
        if not request.get("stream"):
            return whole
        answer = json.loads(whole.body)["choices"][0]["message"]["content"]
        is_rest = request["messages"][-1]["role"] == "assistant"
        thoughts = [] if is_rest else [{"reasoning_content": circle} for _ in range(30)]
        return streamed(*thoughts, {"content": answer})

    with serving(thinking) as running:
        cut = ask(QUESTION, "--trim", AGENTCORE_BACKBONE=f"openai:served@{running.url}")
        whole = ask(QUESTION, AGENTCORE_BACKBONE=f"openai:served@{running.url}")
    assert cut.returncode == 0, cut.stderr
    assert cut.stdout.splitlines()[0] == "the red sofa"
    told = [line for line in cut.stderr.splitlines() if "thinking cut: repetition after" in line]
    assert told
    assert "tokens saved" in told[0]
    assert "thinking cut" not in whole.stderr


def test_json_is_exactly_one_document(ask: Ask, folder: Path) -> None:
    """Stdout is one JSON document whose citation is really in the file."""
    done = ask(QUESTION, "--json")
    result = json.loads(done.stdout)
    assert (result["status"], result["answer"], result["model"]) == ("done", "the red sofa", "served")
    citation = result["citations"][0]
    assert citation["quote"] in (folder / citation["source"]).read_text()


def test_the_question_comes_from_stdin_or_a_file(ask: Ask, tmp_path: Path) -> None:
    """A pipe, `-` and `@file` all ask the same question."""
    (tmp_path / "question.txt").write_text(QUESTION + "\n")
    for arguments, stdin in (([], QUESTION), (["-"], QUESTION), (["@question.txt"], "")):
        done = ask(*arguments, "--json", stdin=stdin)
        assert json.loads(done.stdout)["question"] == QUESTION


def test_quiet_says_nothing_on_stderr(ask: Ask) -> None:
    """`-q` leaves the answer alone."""
    assert ask(QUESTION, "-q").stderr == ""


def test_a_limit_is_a_flagged_partial_answer(ask: Ask) -> None:
    """No model call allowed: exit code 3, and the answer says which limit."""
    done = ask(QUESTION, "--max-tokens", "1")
    assert done.returncode == 3, done.stderr
    assert "partial result: the limit of tokens was reached" in done.stdout


def test_no_key_is_written_anywhere(ask: Ask, tmp_path: Path) -> None:
    """Neither output nor memory, runs, checkpoints or settings hold the user's key."""
    done = ask(QUESTION)
    assert "sk-secret" not in done.stdout + done.stderr
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"sk-secret-of-the-user" not in path.read_bytes(), path


def test_a_run_is_listed_and_shown(ask: Ask, here: Run, tmp_path: Path) -> None:
    """`runs list` and `runs show` tell what happened, with times and counts; an id that is none is wrong usage."""
    run_id = json.loads(ask(QUESTION, "--json").stdout)["run_id"]
    runs = {"AGENTCORE_RUNS": str(tmp_path / "runs.db")}
    assert [row["run_id"] for row in json.loads(here("runs", "list", "--json", **runs).stdout)] == [run_id]
    shown = here("runs", "show", run_id, **runs).stdout
    assert "answer: the red sofa" in shown and "search_corpus" in shown and "ms  tokens" in shown
    for command in ("show", "resume", "fork"):
        for wrong in ("none", "../runs", ""):
            missing = here("runs", command, wrong, **runs)
            assert missing.returncode == 2 and "agentcore runs list" in missing.stderr


def test_a_run_is_forked(ask: Ask, here: Run, server: ChatServer, tmp_path: Path) -> None:
    """`runs fork` answers from what a run found, with its own corpus and model, and `runs show` tells where it is from."""
    run_id = json.loads(ask(QUESTION, "--json").stdout)["run_id"]
    runs = {"AGENTCORE_RUNS": str(tmp_path / "runs.db"), "OPENAI_API_KEY": "none"}
    before = len(server.requests)
    done = here("runs", "fork", run_id, "--json", "--question", "What is red?", **runs)
    fork = json.loads(done.stdout)
    assert (done.returncode, fork["answer"], fork["question"]) == (0, "the red sofa", "What is red?")
    assert len(server.requests) == before + 1
    assert f"forked from {run_id}" in here("runs", "show", fork["run_id"], **runs).stdout
    wrong = here("runs", "fork", run_id, "--step", "seeker", "--question", "What?", **runs)
    assert wrong.returncode == 2 and "plan" in wrong.stderr


def wait_for(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


@pytest.fixture
def hanging() -> Iterator[ChatServer]:
    """Return a server that takes half a minute for every answer."""
    with serving(lambda _: Reply(body="{}", delay_s=30)) as running:
        yield running


def start(
    environment: dict[str, str], server: ChatServer, folder: Path, *arguments: str
) -> subprocess.Popen[str]:
    """Start a question that the server keeps waiting."""
    command = [sys.executable, "-m", "agentcore.cli", "ask", QUESTION, "--corpus", str(folder)]
    command += [
        "--backbone",
        f"openai:served@{server.url}",
        "--memory",
        str(folder.parent / "memory.db"),
        *arguments,
    ]
    variables = {**environment, "AGENTCORE_RUNS": str(folder.parent / "runs.db"), "OPENAI_API_KEY": "none"}
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=variables,
        # A shell makes what it starts in the background, such as this test run, deaf to Ctrl-C, and its children with it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_ctrl_c_ends_at_once_and_the_run_goes_on_later(
    environment: dict[str, str], hanging: ChatServer, server: ChatServer, folder: Path, here: Run
) -> None:
    """SIGINT during a model call is exit code 130 without waiting for the model; `runs resume` finishes the run."""
    process = start(environment, hanging, folder)
    wait_for(lambda: hanging.requests)
    stopped = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert time.monotonic() - stopped < 10  # the model would have taken 30 s
    assert "agentcore runs resume" in errors
    run_id = errors.split("agentcore runs resume ")[1].split("`")[0]
    done = here(
        *("runs", "resume", run_id, "--backbone", f"openai:served@{server.url}"),
        AGENTCORE_RUNS=str(folder.parent / "runs.db"),
        OPENAI_API_KEY="none",
    )
    assert done.returncode == 0 and done.stdout.startswith("the red sofa"), done.stderr


@pytest.mark.slow
def test_a_limit_of_seconds_is_a_partial_answer(
    environment: dict[str, str], server: ChatServer, hanging: ChatServer, folder: Path
) -> None:
    """When the time is over before the model is asked, the answer is what is there: exit code 3."""
    began = time.monotonic()
    start(environment, server, folder, "--json").communicate(timeout=100)
    if (took := time.monotonic() - began) > 8:
        pytest.skip(f"the start alone may pass the ten seconds of grace here: a whole run takes {took:.0f} s")
    process = start(environment, hanging, folder, "--max-seconds", "0.1", "--json")
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 3, errors
    assert (json.loads(out)["status"], json.loads(out)["limit"]) == ("partial", "seconds")


@pytest.mark.slow
def test_a_model_that_never_answers_leaves_a_partial_answer(
    environment: dict[str, str], folder: Path
) -> None:
    """A call that hangs past the limit is given up, and retrieval alone answers: exit code 3."""
    with serving(lambda _: Reply(body="{}", delay_s=120)) as hanging:
        process = start(environment, hanging, folder, "--max-seconds", "40", "--json")
        out, errors = process.communicate(timeout=100)
        assert hanging.requests, "the model was never asked"
    assert process.returncode == 3, errors
    result = json.loads(out)
    assert (result["status"], result["limit"], result["mode"]) == ("partial", "seconds", "linked")
    assert result["found"] and "sofa" in result["citations"][0]["quote"]


@pytest.mark.slow
def test_124_when_not_even_a_partial_answer_comes(run: Run, environment: dict[str, str]) -> None:
    """Work that cannot be stopped ten seconds after the limit ends the process, with one JSON document."""
    script = (
        "import time\n"
        "from agentcore.cli._session import settings_from\n"
        "from agentcore.cli.ask import execute\n"
        "execute('?', settings_from({'max_seconds': 0.5}), lambda *_, **__: time.sleep(90), as_json=True, quiet=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=80,
        check=False,
    )
    assert done.returncode == 124, done.stderr
    assert json.loads(done.stdout)["status"] == "failed"


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "message"),
    [
        ([], {}, 2, "no question"),
        (["  "], {}, 2, "no question"),
        (["@none.txt"], {}, 2, "No such file"),
        (["@latin.txt"], {}, 2, "no UTF-8 text"),
        (["@huge.txt"], {}, 2, "longer than 20000 characters: put the long part into a file below --corpus"),
        (
            [QUESTION],
            {"AGENTCORE_CORPUS": "nowhere"},
            2,
            "'nowhere' is not there: name a folder of documents",
        ),
        ([QUESTION], {"AGENTCORE_CORPUS": "empty"}, 1, "blank.txt cannot be read: the file is empty"),
        ([QUESTION], {"AGENTCORE_CORPUS": "scans"}, 1, "damaged or no PDF"),
        ([QUESTION], {"AGENTCORE_BACKBONE": "telepathy"}, 2, "telepathy"),
        ([QUESTION], {"AGENTCORE_BACKBONE": "gguf:/none.gguf"}, 2, "none.gguf"),
        ([QUESTION, "--max-seconds", "-1"], {}, 2, "--max-seconds: it must be a number above 0"),
        ([QUESTION], {"AGENTCORE_MEMORY": "latin.txt"}, 1, "latin.txt"),
    ],
)
def test_bad_input_is_one_line_with_the_cure(
    ask: Ask, tmp_path: Path, arguments: list[str], variables: dict[str, str], code: int, message: str
) -> None:
    """Each mistake has its exit code and its cure, and nothing on stdout."""
    (tmp_path / "latin.txt").write_bytes("Straße\n".encode("latin-1") * 400)
    (tmp_path / "huge.txt").write_text("why? " * 400_000)
    for name, file in (("empty", "blank.txt"), ("scans", "page.pdf")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_bytes(b"" if name == "empty" else b"%PDF-1.4 scanned badly")
    done = ask(*arguments, **variables)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert len(errors) == 1 and message in errors[0], done.stderr
    assert "Traceback" not in done.stderr


def test_a_failure_is_json_too(ask: Ask) -> None:
    """With `--json` a script gets the failure as one document."""
    done = ask(QUESTION, "--json", AGENTCORE_BACKBONE="telepathy")
    assert done.returncode == 2
    assert json.loads(done.stdout)["status"] == "failed" and "telepathy" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", "--json"], "no question"),
        (["ask", "Hi?", "--json", "--max-seconds", "-1"], "above 0"),
        (["ask", "Hi?", "--json", "--corpsu", "x"], "--corpus"),
        (["ask", "Hi?", "--json", "--user", "a\nb"], "control characters"),
        (["ask", "Hi?", "--json", "--memory", "/dev/null/below/m.db"], "AGENTCORE_MEMORY"),
        (["repl", "--resume", "nope", "--json"], "--json"),
        (["memory", "list", "--json", "--memory", "/dev/null/m.db"], "no memory file"),
        (["runs", "show", "nope", "--json"], "no run 'nope'"),
    ],
)
def test_a_mistake_is_json_too(run: Run, arguments: list[str], message: str) -> None:
    """Wrong usage reaches a script in the same form as any other failure, before a command began too."""
    done = run(*arguments)
    assert done.returncode == 2
    failure = json.loads(done.stdout)
    assert failure["status"] == "failed" and message in failure["error"]


def test_json_behind_two_dashes_is_part_of_the_question(run: Run) -> None:
    """What stands behind `--` is no option."""
    done = run("ask", "--backbone", "telepathy", "--", "--json")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_question_in_another_encoding_is_wrong_usage(run: Run) -> None:
    """Bytes that are no UTF-8, as of an old locale, are told in one line with the cure."""
    done = run("ask", os.fsdecode(b"stra\xdfe?"))
    assert done.returncode == 2 and "no UTF-8 text: convert it" in done.stderr


def test_a_wrong_key_is_told(ask: Ask, tmp_path: Path) -> None:
    """A server that refuses the key: exit code 1, one line, and the key is not repeated."""
    refusal = Reply(status=401, body=json.dumps({"error": {"message": "bad key", "code": "invalid_api_key"}}))
    with serving(lambda _: refusal) as strict:
        done = ask(QUESTION, AGENTCORE_BACKBONE=f"openai:served@{strict.url}")
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert done.returncode == 1 and len(errors) == 1, done.stderr
    assert "key" in errors[0].lower() and "sk-secret" not in done.stderr


def on_a_small_disk(script: str, disk: Path) -> list[str]:
    """Return a command that runs a script with a full-sized file system of 200 kB at a folder."""
    disk.mkdir()
    return ["unshare", "-Urm", "sh", "-c", f"mount -t tmpfs -o size=200k tmpfs {disk} && {script}"]


@pytest.mark.parametrize("what", ["AGENTCORE_MEMORY", "AGENTCORE_RUNS", "AGENTCORE_CACHE"])
def test_a_full_disk_is_one_line(
    environment: dict[str, str], server: ChatServer, folder: Path, tmp_path: Path, what: str
) -> None:
    """A memory, a run or a model that does not fit on its disk: exit code 1, one line that says what to do."""
    disk = tmp_path / "disk"
    probe = subprocess.run(on_a_small_disk("true", tmp_path / "probe"), capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("no mounts of one's own here")
    (folder / "long.txt").write_text(" ".join(f"Sentence number {n} of many." for n in range(900)))
    places = {"AGENTCORE_MEMORY": tmp_path / "memory.db", "AGENTCORE_RUNS": tmp_path / "runs.db"}
    places[what] = disk / "file.db"
    command = f"{sys.executable} -m agentcore.cli " + (
        "models pull smollm2"
        if what == "AGENTCORE_CACHE"
        else f"ask -q 'Where?' --corpus {folder} --backbone openai:served@{server.url}"
    )
    fill = f"head -c 150000 /dev/zero > {disk}/ballast; " if what == "AGENTCORE_RUNS" else ""
    done = subprocess.run(
        on_a_small_disk(fill + command, disk),
        capture_output=True,
        text=True,
        env={**environment, "OPENAI_API_KEY": "none", **{name: str(place) for name, place in places.items()}},
        timeout=300,
        check=False,
    )
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert done.returncode == 1 and len(errors) == 1, done.stderr
    assert "Traceback" not in done.stderr and "free s" in errors[0]
