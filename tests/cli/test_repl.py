"""The REPL in a real pseudo-terminal and through a pipe; the model is a real HTTP server."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from chat_server import ChatServer, Reply, completion, obliging_model, saying, serving
from screen import screen_of

from agentcore.cli.repl._courtesy import courtesy
from agentcore.cli.repl._transcript import Transcript, open_conversation
from agentcore.models import path_of

from .conftest import Run

pytestmark = pytest.mark.skipif(path_of("minilm") is None, reason="needs `agentcore models pull minilm`")

QUESTION = "Where does the grey cat sleep?"
ANSWER = "the red sofa [1]"
HANG_S = 30
PROMPT = r"\x1b\[\?2004h|(?:^|\n)> "  # paste mode is switched on with each prompt
SLOW_START_S = 40


def answer(request: dict[str, Any]) -> Reply:
    prompt = " ".join(str(message["content"]) for message in request["messages"])
    if "Next question:" in prompt:
        return completion('{"question": "When does the grey cat wake?"}')
    return saying(request, ANSWER) if "[1]" in prompt else obliging_model(request)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(answer) as running:
        yield running


@pytest.fixture
def hanging() -> Iterator[ChatServer]:
    """Return a server that takes half a minute for every answer."""
    with serving(lambda _: Reply(body="{}", delay_s=HANG_S)) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "documents"
    root.mkdir()
    (root / "cats.md").write_text("# Cats\n\nThe grey cat sleeps on the red sofa. 灰色的猫睡在红沙发上。")
    (root / "bread.txt").write_text("Bread\n\nThe bakery opens at seven o'clock.")
    return root


@pytest.fixture
def variables(folder: Path, tmp_path: Path, environment: dict[str, str]) -> dict[str, str]:
    own = {
        "AGENTCORE_CORPUS": str(folder),
        "AGENTCORE_MEMORY": str(tmp_path / "memory.db"),
        "AGENTCORE_RUNS": str(tmp_path / "state" / "runs.db"),
        "OPENAI_API_KEY": "none",
        "PROMPT_TOOLKIT_NO_CPR": "1",  # pexpect does not answer when asked where the cursor is
        "TERM": "xterm-256color",
    }
    return {**environment, **own}


Start = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def start(variables: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts the REPL in a terminal of 80x24 and waits for the first prompt."""
    children: list[pexpect.spawn[str]] = []

    def spawn(server: ChatServer, *arguments: str, **more: str) -> pexpect.spawn[str]:
        command = ["-m", "agentcore.cli", "repl", "--backbone", f"openai:served@{server.url}", *arguments]
        child = pexpect.spawn(
            sys.executable,
            command,
            env={**variables, **more},
            cwd=str(tmp_path),
            dimensions=(24, 80),
            encoding="utf-8",
            timeout=SLOW_START_S,
        )
        children.append(child)
        child.expect(PROMPT)
        return child

    yield spawn
    for child in children:
        child.close(force=True)


def leave(child: pexpect.spawn[str]) -> int | None:
    """Press Ctrl-D until the prompt is there to take it, and return the exit code, or the negative of a signal."""
    for _ in range(SLOW_START_S):
        child.sendeof()
        if child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=1) == 0:
            break
    child.close()
    return child.exitstatus if child.signalstatus is None else -child.signalstatus


def wait_for(condition: Callable[[], object], *, seconds: float = SLOW_START_S) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def test_turns_in_a_terminal(start: Start, server: ChatServer) -> None:
    """Plan before answer, a paste is one message, a resize is survived, the screen is never cleared, Ctrl-D is code 0."""
    child = start(server)
    screen = child.logfile_read = io.StringIO()
    child.send(QUESTION + "\r")
    child.expect("plan:")
    child.expect("the red sofa")
    child.expect("cats.md:")
    child.expect("chat mode")
    child.expect(PROMPT)
    child.setwinsize(10, 40)
    child.send("\x1b[200~Where does\nthe grey cat\nsleep?\x1b[201~")
    child.send("\r")
    child.expect(r"run\s+\d{8}-")
    child.setwinsize(40, 132)
    child.expect(PROMPT)
    child.send("/cost\r")
    child.expect("2 turns")
    assert leave(child) == 0
    seen = screen.getvalue()
    assert "\x1b[2J" not in seen and "\x1b[3J" not in seen and "\x1b[?1049h" not in seen


def test_editing_a_line(start: Start, server: ChatServer) -> None:
    """Ctrl-C clears a line into the history, Tab completes, Alt-Enter breaks, a wrong command reaches no model."""
    child = start(server)
    child.send("a line I regret")
    child.expect("regret")
    child.send("\x03")
    child.send("/bud\t seconds 7\r")
    child.expect("budget of a turn: tokens no limit, calls no limit, seconds 7")
    child.send("/co\x1b\rst")
    child.send("\r")
    child.expect("no command /co")
    child.send("/modal\r")
    child.expect("did you mean /model")
    child.expect(PROMPT)
    assert leave(child) == 0
    assert server.requests == []
    again = start(server)
    for _ in range(20):  # the history is read in the background
        again.send("\x1b[A")
        if again.expect([" I regret", pexpect.TIMEOUT], timeout=0.5) == 0:
            break
    else:
        pytest.fail("the cleared line is not in the history")
    again.send("\x03")
    assert leave(again) == 0


def test_leaving_does_not_wait_for_what_is_being_loaded(start: Start, server: ChatServer) -> None:
    """Ctrl-D at the first prompt, while the runtime is imported in the background: 0 each time."""
    assert [leave(start(server)) for _ in range(3)] == [0, 0, 0]


def test_esc_stops_a_turn_and_two_ctrl_c_leave(start: Start, hanging: ChatServer) -> None:
    """Esc is as the first Ctrl-C, typed text is not echoed; twice leaves with 130 although the model holds a thread."""
    child = start(hanging)
    child.send(QUESTION + "\r")
    wait_for(lambda: hanging.requests)
    child.send("xyzzy")
    child.send("\x1b")
    child.expect(r"\(interrupted\)")
    assert "xyzzy" not in child.before
    child.expect(PROMPT)
    time.sleep(2.1)  # so that what follows is a pair of its own
    before = len(hanging.requests)
    child.send(QUESTION + "\r")
    wait_for(lambda: len(hanging.requests) > before)
    child.send("\x03\x03")
    child.expect(pexpect.EOF, timeout=HANG_S / 2)
    child.close()
    assert child.exitstatus == 130


def test_ctrl_c_stops_the_turn_and_the_conversation_goes_on(start: Start, hanging: ChatServer) -> None:
    """A turn that waits for its model is stopped without waiting; the next prompt comes; a second Ctrl-C leaves with 130."""
    child = start(hanging)
    child.send(QUESTION + "\r")
    wait_for(lambda: hanging.requests)
    pressed = time.monotonic()
    child.send("\x03")
    child.expect(r"\(interrupted\)")
    child.expect(PROMPT)
    assert time.monotonic() - pressed < HANG_S / 3
    child.send("/cost\r")
    child.expect("nothing used yet")
    child.expect(PROMPT)
    time.sleep(2.1)  # the first stop is long ago: these two are a pair of their own
    child.send("\x03")
    child.expect("Ctrl-C again")
    child.send("\x03")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


WORDS = "It sleeps on the red sofa in the hall, as grey cats do, and it has done so since spring [1]"


@pytest.fixture
def slow() -> Iterator[ChatServer]:
    """Return a server that writes its answer word by word, five words a second."""

    def reply(request: dict[str, Any]) -> Reply:
        shown = str(request["messages"][-1]["content"])
        return saying(request, WORDS, delay_s=0.2) if "[1]" in shown else obliging_model(request)

    with serving(reply) as running:
        yield running


def test_a_draft_is_shown_live_and_replaced(start: Start, slow: ChatServer) -> None:
    """The words stand on the screen while the model writes; the checked answer takes their place."""
    child = start(slow)
    seen = child.logfile_read = io.StringIO()
    child.send(QUESTION + "\r")
    child.expect("It sleeps on")
    early = "\n".join(screen_of(seen.getvalue()))
    assert "It sleeps on" in early and "since spring" not in early
    child.expect("chat mode")
    child.expect(PROMPT)
    late = "\n".join(screen_of(seen.getvalue()))
    assert late.count("It sleeps on the red sofa") == 1
    assert "since spring [1]" not in late
    assert leave(child) == 0


def test_a_stopped_draft_is_kept(start: Start, slow: ChatServer) -> None:
    """Ctrl-C in the middle of a draft leaves its words on the screen, in the conversation and for /why, marked."""
    child = start(slow)
    seen = child.logfile_read = io.StringIO()
    child.send(QUESTION + "\r")
    child.expect("sofa in the")
    child.send("\x03")
    child.expect(r"\(interrupted\)")
    child.expect(PROMPT)
    shown = "\n".join(screen_of(seen.getvalue()))
    assert "It sleeps on the red" in shown and "since spring" not in shown
    child.send("/why\r")
    child.expect("It sleeps on the red")
    child.expect("runs resume")
    child.expect(PROMPT)
    assert leave(child) == 0


def test_a_conversation_is_resumed_after_a_new_start(start: Start, server: ChatServer) -> None:
    """The next start lists the conversation, and resuming shows where it stood."""
    child = start(server)
    child.send(QUESTION + "\r")
    child.expect("chat mode")
    child.expect(PROMPT)
    assert leave(child) == 0
    again = start(server)
    again.send("/resume\r")
    again.expect(r"1 turns\s+Where does the grey cat sleep")
    again.expect(PROMPT)
    again.send("/resume 1\r")
    again.expect("resumed .*1 turns")
    again.expect("the red sofa")
    again.expect(PROMPT)
    again.send("/why\r")
    again.expect("cats.md:")
    assert leave(again) == 0
    resumed = start(server, "--resume", "last")
    assert "resumed" in resumed.before
    assert leave(resumed) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_it_works_without_colour(start: Start, server: ChatServer, name: str, value: str) -> None:
    """With NO_COLOR, and on a terminal that can do nothing, answers carry no colour."""
    child = start(server, **{name: value})
    child.send(QUESTION + "\r")
    child.expect("chat mode")
    assert not re.search(r"\x1b\[(3[0-7]|9[0-7]|38;[25])m?[^\n]*red sofa", child.before)
    child.expect(PROMPT)
    assert leave(child) == 0


def test_a_dumb_terminal_sees_no_escape_sequence(start: Start, server: ChatServer) -> None:
    """Where escape sequences would be seen as text, none is sent; what is typed is shown, Ctrl-C and Ctrl-D do as ever."""
    child = start(server, TERM="dumb")
    screen = child.logfile_read = io.StringIO()
    child.send("/budget\r")
    child.expect("budget of a turn")
    child.expect("> ")
    child.send("\x03")
    child.expect("Ctrl-C again or Ctrl-D leaves")
    child.expect("> ")
    assert leave(child) == 0
    assert "\x1b" not in screen.getvalue()


def test_lines_break_between_words(start: Start, server: ChatServer) -> None:
    """A line of ours that is longer than the terminal is wide goes on below with a whole word."""
    child = start(server)
    child.setwinsize(24, 40)
    child.send("/tools\r")
    child.expect("Search the documents")
    child.expect(r"read_document: Read a document, or a \S*\r\n\S*span of it")
    child.expect(PROMPT)
    assert leave(child) == 0


@pytest.mark.slow
def test_a_failing_turn_does_not_end_the_conversation(start: Start, server: ChatServer) -> None:
    """An unreachable model is one line; changing the model goes on."""
    child = start(server)
    child.send("/model openai:x@http://127.0.0.1:1/v1\r")
    child.expect("model: openai:x")
    child.send(QUESTION + "\r")
    child.expect("error: no connection")
    child.expect(PROMPT)
    child.send(f"/model openai:served@{server.url}\r")
    child.send(QUESTION + "\r")
    child.expect("chat mode")
    assert leave(child) == 0


@pytest.mark.parametrize("line", ["Thank you", "thanks a lot!", "Hello there", "ok", "How are you?"])
def test_small_talk_starts_no_search(
    here: Run, server: ChatServer, variables: dict[str, str], line: str
) -> None:
    """A greeting or thanks is answered at once: no run, no request to the model."""
    done = here("repl", "--backbone", f"openai:served@{server.url}", stdin=f"{line}\n/cost\n", **variables)
    assert done.returncode == 0
    assert "/help" in done.stdout and "nothing used yet" in done.stderr
    assert server.requests == []


@pytest.mark.parametrize("line", ["Thank you for what?", "Who said hello?", "Good Friday", "Hi-Fi"])
def test_a_question_is_no_small_talk(line: str) -> None:
    """A line that only begins like a greeting is asked."""
    assert courtesy(line, has_corpus=True) is None


def test_a_corpus_that_is_not_there_is_told_at_once(here: Run, variables: dict[str, str]) -> None:
    """A wrong folder is one line and code 2, whether or not anything is asked."""
    done = here("repl", "--corpus", "nowhere", stdin="", **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the corpus" in done.stderr and "nowhere' is not there" in done.stderr


# -- through a pipe ---------------------------------------------------------------------------------------------------


def test_a_pipe_asks_line_by_line(here: Run, server: ChatServer, variables: dict[str, str]) -> None:
    """Answers are on stdout without prompt or colour, our own lines on stderr, and the code is 0."""
    script = f"{QUESTION}\n\n/cost\n/nonsense\n"
    done = here("repl", "--backbone", f"openai:served@{server.url}", stdin=script, **variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the red sofa") >= 1 and "\x1b" not in done.stdout + done.stderr
    assert "1 turns" in done.stderr and "no command /nonsense" in done.stderr


def test_a_pipe_tells_of_failure_by_its_code(here: Run, variables: dict[str, str]) -> None:
    """A turn that fails makes the exit code 1."""
    done = here("repl", "--backbone", "openai:x@http://127.0.0.1:1/v1", stdin=QUESTION + "\n", **variables)
    assert done.returncode == 1 and "no connection" in done.stderr


def test_an_interrupt_ends_a_pipe_that_waits_for_a_line(variables: dict[str, str], tmp_path: Path) -> None:
    """Ctrl-C, or `kill -INT`, ends a conversation whose pipe is open and silent, with 130."""
    command = [sys.executable, "-m", "agentcore.cli", "repl"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables, cwd=tmp_path
    ) as process:
        assert process.stdin is not None and process.stderr is not None
        process.stdin.write("/cost\n")
        process.stdin.flush()
        assert "nothing used yet" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(SLOW_START_S) == 130


def test_commands_work_through_a_pipe(
    here: Run, server: ChatServer, variables: dict[str, str], tmp_path: Path
) -> None:
    """Each command does what its line in the help says."""
    script = (
        "/help\n/model\n/corpus\n/corpus nowhere\n/tools\n/budget\n/budget calls 50\n/budget what\n/trim\n/trim on\n/trim loud\n/trim off\n/memory\n/save\n"
        f"/resume\n/resume 9\n/why\n{QUESTION}\n/save talk.md\n/save talk.md\n/memory sofa\n/quit\nnever asked\n"
    )
    done = here("repl", "--backbone", f"openai:served@{server.url}", stdin=script, cwd=tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    for expected in (
        "/resume [NAME]",
        "model: openai:served",
        "nowhere is no folder",
        "search_corpus:",
        "budget of a turn: tokens no limit, calls 50",
        "/budget [tokens|calls|seconds NUMBER|off]",
        "trimming of a reasoning model's thinking: off",
        "trimming of a reasoning model's thinking: on",
        "/trim [on|off]",
        "nothing to save yet",
        "no earlier conversation",
        "no conversation '9'",
        "ask something first",
        "saved to talk.md",
        "talk.md exists",
    ):
        assert expected in done.stderr, expected
    assert "## Where does the grey cat sleep?" in (tmp_path / "talk.md").read_text()
    assert "never asked" not in done.stdout + done.stderr


def test_a_conversation_that_is_not_there_is_wrong_usage(here: Run, variables: dict[str, str]) -> None:
    """`--resume` with a wrong name asks nothing: piped lines would go into another conversation."""
    done = here("repl", "--resume", "nope", stdin="hello\n", **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no conversation 'nope'" in done.stderr and "start without it" in done.stderr


def test_a_follow_up_sees_the_conversation(here: Run, server: ChatServer, variables: dict[str, str]) -> None:
    """The turns before a question are shown to the model, after a new start of the conversation too."""
    backbone = ("--backbone", f"openai:served@{server.url}")
    here("repl", *backbone, stdin=f"{QUESTION}\nand when does it wake?\n", **variables)

    def rewrites() -> list[str]:
        prompts = ["\n".join(str(m["content"]) for m in r.body["messages"]) for r in server.requests]
        return [prompt for prompt in prompts if "Next question:" in prompt]

    assert len(rewrites()) == 1
    assert f"User: {QUESTION}\nAgent: the red sofa" in rewrites()[0]
    here("repl", *backbone, "--resume", "last", stdin="and why?\n", **variables)
    assert f"User: {QUESTION}" in rewrites()[-1] and "Next question: and why?" in rewrites()[-1]


def test_conversations_are_for_their_owner_only(
    here: Run, server: ChatServer, variables: dict[str, str], tmp_path: Path
) -> None:
    """What was said is kept in files of mode 0600."""
    here("repl", "--backbone", f"openai:served@{server.url}", stdin=QUESTION + "\n", **variables)
    [kept] = (tmp_path / "state" / "conversations").glob("*.jsonl")
    assert kept.stat().st_mode & 0o777 == 0o600


def test_line_separators_inside_an_answer_are_kept(tmp_path: Path) -> None:
    """A turn whose text holds U+2028, as copied pages do, is there again when the conversation is resumed."""
    transcript = Transcript(tmp_path / "20260101-1.jsonl")
    transcript.add("one\u2028two?", {"answer": "three\x85four"})
    found = open_conversation(tmp_path, "last")
    assert found is not None and [turn["question"] for turn in found.turns] == ["one\u2028two?"]


def test_the_warm_up_loads_the_loops_of_searches() -> None:
    """After it the first question's search has nothing left to compile or to read from the cache."""
    program = (
        "from agentcore.cli.repl._agent import _load_heavy\n_load_heavy()\n"
        "from agentcore.memory._compiled import _kernels\n"
        "print(len(_kernels), all('code' in vars(kernel) for kernel in _kernels))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    count, is_loaded = done.stdout.split()
    assert int(count) > 5 and is_loaded == "True"


def test_a_wrong_model_is_told_at_once_and_changes_nothing(run: Run) -> None:
    """`/model` with a name that there is not is answered with those that there are; the next turn has its model still."""
    done = run("repl", stdin="/model telepathy\n/model\n")
    assert "unknown backbone 'telepathy': use one of local" in done.stderr
    assert "model: telepathy" not in done.stderr and "model: " in done.stderr


def test_a_line_in_another_encoding_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    """Bytes that are no UTF-8 cost their line, not the conversation, whatever the locale makes of them."""
    done = subprocess.run(
        [sys.executable, "-m", "agentcore.cli", "repl"],
        input=b"/memory stra\xdfe\n/help\n",
        capture_output=True,
        cwd=tmp_path,
        env={**environment, "PYTHONIOENCODING": "utf-8:strict"},
        check=False,
    )
    assert b"the line is no UTF-8 text: convert it" in done.stderr
    assert b"/quit" in done.stderr
