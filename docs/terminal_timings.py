"""Time what a person waits for in the terminal: the first prompt, and the end of a turn after Ctrl-C.

    python docs/terminal_timings.py [--out docs/results]

Regime: the real REPL in a pseudo-terminal of 80x24. Ctrl-C is pressed while the turn waits for a server that never
answers, and while the local engine computes. Times are from the key press to "(interrupted)" on the screen, and from
the start of the process to the first prompt; they include the pseudo-terminal. Prints a table and one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pexpect

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from chat_server import Reply, serving  # noqa: E402

QUESTION = "In which city was the inventor of the piano born?"
REPEATS = 5
PROMPT = r"\x1b\[\?2004h"  # paste mode is switched on with each prompt


def start(backbone: str, folder: Path) -> tuple[pexpect.spawn[str], float]:
    """Start the REPL and return it with the milliseconds until its first prompt."""
    environment = {
        **os.environ,
        "AGENTCORE_MEMORY": str(folder / "memory.db"),
        "AGENTCORE_RUNS": str(folder / "runs.db"),
        "OPENAI_API_KEY": "none",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "TERM": "xterm-256color",
    }
    arguments = ["-m", "agentcore.cli", "repl", "--backbone", backbone]
    arguments += ["--corpus", str(ROOT / "examples" / "corpus")]
    began = time.perf_counter()
    child = pexpect.spawn(
        sys.executable, arguments, env=environment, dimensions=(24, 80), encoding="utf-8", timeout=90
    )
    child.delaybeforesend = None
    child.expect(PROMPT)
    return child, (time.perf_counter() - began) * 1000


def stop_times(child: pexpect.spawn[str], sign: str, wait_s: float) -> list[float]:
    """Ask, wait for a sign that the turn is at work and a little more, press Ctrl-C; milliseconds of each repeat."""
    times = []
    for number in range(REPEATS):
        child.send(f"{QUESTION} {number}\r")  # another question each time, so that memory does not answer
        child.expect(sign)
        time.sleep(wait_s)
        began = time.perf_counter()
        child.send("\x03")
        child.expect(r"\(interrupted\)")
        times.append((time.perf_counter() - began) * 1000)
        child.expect(PROMPT)
        time.sleep(2.1)  # two within two seconds would leave
    return times


def end(child: pexpect.spawn[str]) -> None:
    """End the REPL, however long it takes to die."""
    child.kill(signal.SIGKILL)
    child.wait()
    child.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name, serving(lambda _: Reply(body="{}", delay_s=600)) as server:
        folder = Path(name)
        backbone = f"openai:silent@{server.url}"
        firsts = []
        for _ in range(REPEATS):
            child, first = start(backbone, folder)
            firsts.append(first)
            end(child)
        times["first_prompt_ms"] = firsts
        child, _ = start(backbone, folder)
        times["stop_waiting_for_server_ms"] = stop_times(child, "remembered", 1.0)
        end(child)
        child, _ = start("local", folder)
        times["stop_local_engine_ms"] = stop_times(child, "evidence for an answer", 0.0)
        end(child)
    metrics = {
        key: {"min": round(min(v), 1), "median": round(statistics.median(v), 1), "max": round(max(v), 1)}
        for key, v in times.items()
    }
    print(f"{'':32}{'min':>8}{'median':>8}{'max':>8}")
    for key, row in metrics.items():
        print(f"{key:32}{row['min']:8.1f}{row['median']:8.1f}{row['max']:8.1f}")
    environment = {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": sys.version.split()[0],
    }
    result = {
        "bench": "terminal",
        "data": "examples/corpus",
        "metrics": metrics,
        "baselines": {},
        "settings": {"repeats": REPEATS},
        "environment": environment,
    }
    if out is not None:
        (out / "terminal.json").write_text(json.dumps(result) + "\n", encoding="utf-8")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
