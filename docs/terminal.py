"""Make `docs/terminal.svg`: what the real REPL prints for two questions over the example corpus.

Run it from the repository's root: ``python docs/terminal.py``. It needs the embedded models.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = (
    "In which city was the inventor of the piano born?",
    "On which river does the birthplace of Adolphe Sax stand?",
)
COLUMNS = 100


def talk() -> list[str]:
    """Ask the questions through the REPL's pipe and return what it printed, in order, with its styles."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for question in QUESTIONS:
            done = subprocess.run(
                [sys.executable, "-m", "agentcore.cli", "repl", "--corpus", "examples/corpus"],
                input=question + "\n",
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=ROOT,
                env={
                    **os.environ,
                    "AGENTCORE_MEMORY": f"{folder}/memory.db",
                    "AGENTCORE_RUNS": f"{folder}/runs.db",
                    "COLUMNS": str(COLUMNS),
                    "FORCE_COLOR": "1",
                    "PYTHONUNBUFFERED": "1",
                },
                check=True,
            )
            lines += [f"\x1b[1m> {question}\x1b[0m", *done.stdout.splitlines(), ""]
    return lines


def main() -> None:
    """Write the picture."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        for line in talk():
            if "corpus:" not in line and "--resume" not in line:  # the bar of the indexing, the last word
                console.print(Text.from_ansi(line), overflow="ellipsis", no_wrap=False)
        console.save_svg(str(ROOT / "docs" / "terminal.svg"), title="agentcore repl --corpus examples/corpus")


if __name__ == "__main__":
    main()
