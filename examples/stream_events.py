"""Show a run in a user interface of your own: every event is numbered, typed and names its agent.

python examples/stream_events.py ["question"] [backbone]
"""

import asyncio
import sys
from pathlib import Path

from agentcore import Agent
from agentcore.events import Event

FOLDER = Path(__file__).parent / "corpus"


def show(event: Event) -> None:
    who = "/".join(event.path) or "agent"
    match event.type:
        case "plan":
            print(f"{event.seq:3} {who}: plans {[task['question'] for task in event.data['tasks']]}")
        case "tool_call":
            print(f"{event.seq:3} {who}: calls {event.data['name']} {event.data['arguments']}")
        case "answer":
            print(f"{event.seq:3} {who}: answers {event.data['answer']}")
        case _:
            print(f"{event.seq:3} {who}: {event.type}")


async def run(question: str, backbone: str) -> None:
    with Agent(backbone=backbone, corpus=FOLDER) as agent:
        async for event in agent.astream(question):
            show(event)


if __name__ == "__main__":
    words = dict(enumerate(sys.argv[1:]))
    asyncio.run(run(words.get(0, "Who invented the glass armonica?"), words.get(1, "local")))
