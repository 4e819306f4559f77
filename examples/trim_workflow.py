"""Trim the reasoning of the research workflow's backbone; each cut is one event of the run.

The embedded model does not think, so with it nothing is cut; a reasoning model behind a server
(``--backbone openai:MODEL@http://localhost:8000/v1``) is. Any other code takes `agentcore.middleware.trimmed(model)` as its model.

Start it with `python examples/trim_workflow.py`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from agentcore import Agent, Budget
from agentcore.decoding.trimming import TrimmingConfig

CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="local")
    parser.add_argument("--corpus", default=str(CORPUS))
    parser.add_argument("--question", default="In which city was the inventor of the piano born?")
    options = parser.parse_args()
    budget = Budget(max_seconds=300)
    with Agent(options.backbone, corpus=options.corpus, budget=budget, trimming=TrimmingConfig()) as agent:
        result = agent.run(options.question)
    for event in result.trace:
        if event.type == "trim":
            print(f"thinking cut: {event.data['reason']} after {event.data['tokens']} tokens")
    print(f"answer: {result.answer} ({result.status})")


if __name__ == "__main__":
    main()
