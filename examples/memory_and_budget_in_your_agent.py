"""Give an agent that you already have a memory, a limit, and tool calls that do not fail silently.

    python examples/memory_and_budget_in_your_agent.py [backbone]

Only the `middleware=[...]` line is ours: the rest is any LangChain agent. The embedded model is the default
because it is there; whether it calls the tool is luck at its size.
"""

import sys

from langchain.agents import create_agent

from agentcore import Budget, load_backbone
from agentcore.memory import SwiftMem
from agentcore.middleware import LoopGuard, MemoryRecall, ToolCallRepair


def opening_hours(place: str) -> str:
    """Say when a place is open."""
    return f"{place}: Tuesday to Sunday, 10 to 18"


def main(backbone: str = "local") -> None:
    memory = SwiftMem("agent_memory.db")
    budget = Budget(max_calls=6, max_seconds=60)
    agent = create_agent(
        load_backbone(backbone),
        [opening_hours],
        middleware=[
            MemoryRecall(memory, user_id="ada"),
            ToolCallRepair(),
            LoopGuard(),
            budget,
        ],  # the budget last: it counts what is asked again too
    )
    memory.add("Ada's favourite museum is the Museum of Glass.", user_id="ada")
    result = agent.invoke({"messages": [("user", "When is my favourite museum open?")]})
    print(result["messages"][-1].text)
    print(f"{budget.usage.model_calls} model calls, {budget.usage.tokens} tokens")
    memory.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
