"""Ask a question about a folder of documents; the answer says where it stands.

python examples/research_a_folder.py ["question"] [folder] [backbone]
"""

import sys
from pathlib import Path

from agentcore import Agent, Budget

FOLDER = Path(__file__).parent / "corpus"


def main(
    question: str = "In which city was the inventor of the piano born?",
    folder: str = str(FOLDER),
    backbone: str = "local",
) -> None:
    with Agent(backbone=backbone, corpus=folder, budget=Budget(max_seconds=120)) as agent:
        result = agent.run(question)
    print(f"{result.answer}   ({result.status}, by {result.model}, {result.mode})")
    for citation in result.citations:
        print(f"[{citation.number}] {citation.source}: {citation.quote}")


if __name__ == "__main__":
    main(*sys.argv[1:])
