"""Trim the reasoning of the research workflow's backbone, whatever it is.

`trimmed` wraps any chat model; the agent then uses it like every other backbone. The embedded model does not think, so with it nothing
is cut; a reasoning model behind a server (``--backbone openai:MODEL@http://localhost:8000/v1``) is.

Start it with `python examples/trim_workflow.py`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from agentcore import Agent, Budget, load_backbone
from agentcore.decoding.trimming import Trimming
from agentcore.middleware import trimmed

CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="local")
    parser.add_argument("--corpus", default=str(CORPUS))
    parser.add_argument("--question", default="In which city was the inventor of the piano born?")
    options = parser.parse_args()
    with Trimming() as trimming:
        model = trimmed(
            load_backbone(options.backbone),
            trimming=trimming,
            on_trim=lambda cut: print(f"thinking cut: {cut['reason']} after {cut['tokens']} tokens"),
        )
        agent = Agent(backbone=model, corpus=options.corpus, memory=None, budget=Budget(max_seconds=300))
        result = agent.run(options.question)
        cuts = sum(report.verdict is not None for report in trimming.reports)
        print(
            f"answer: {result.answer}  ({result.status}; {cuts} of {len(trimming.reports)} watched calls cut)"
        )


if __name__ == "__main__":
    main()
