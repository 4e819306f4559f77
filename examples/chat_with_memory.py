"""Chat with a model on your own machine that remembers you tomorrow.

    python examples/chat_with_memory.py [memory.db] [backbone]

Type a line, read the answer; end with Ctrl-D. Start it again and ask what you said.
"""

import sys

from langchain.agents import create_agent

from agentcore import load_backbone
from agentcore.memory import SwiftMem
from agentcore.middleware import MemoryRecall


def main(path: str = "chat.db", backbone: str = "local") -> None:
    with SwiftMem(path) as memory:
        model = load_backbone(backbone, max_tokens=80)
        agent = create_agent(model, middleware=[MemoryRecall(memory, limit=3)])
        print("You:", end=" ", flush=True)
        for line in sys.stdin:
            if line.strip():
                answer = agent.invoke({"messages": [("user", line.strip())]})["messages"][-1]
                print(f"Agent: {answer.text}")
            print("You:", end=" ", flush=True)
        print(f"\n{len(memory.get_all())} memories in {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
