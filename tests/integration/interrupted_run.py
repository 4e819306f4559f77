"""A run to be killed from outside: `python interrupted_run.py RUNS_FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from scripted_local import ScriptedLocal, SlowCorpus, small_corpus

from agentcore import Agent
from agentcore.memory.embedding import HashEmbedder
from agentcore.workflow.reading.settings import ReaderSettings

QUESTION = "Who was born earlier, John Harrison or James Cook?"


def agent_for(runs: Path, *, delay_s: float) -> Agent:
    """Return the agent that both the killed and the resuming process use."""
    return Agent(
        ScriptedLocal(),
        corpus=SlowCorpus(small_corpus(), delay_s),
        runs=runs,
        embedder=HashEmbedder(),
        reading=ReaderSettings(found_threshold=0.0),
    )


if __name__ == "__main__":
    agent_for(Path(sys.argv[1]), delay_s=0.03).run(QUESTION, run_id="victim")
