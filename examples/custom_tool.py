"""Let a model use a function of yours.

    python examples/custom_tool.py [backbone] ["request"]

A call of the embedded model always parses, because it is held to the function's signature while it is written;
but with 135M parameters that model seldom calls a tool by itself, and its arguments are often wrong. For tools
take a larger one, such as gguf:/path/to/model.gguf or openai:qwen3@http://localhost:11434/v1; what it writes
wrongly, `ToolCallRepair` mends or asks for again.
"""

import sys
from typing import Literal

from langchain.agents import create_agent

from agentcore import Budget, load_backbone
from agentcore.middleware import LoopGuard, ToolCallRepair


def convert_length(value: float, unit: Literal["feet", "miles", "inches"]) -> str:
    """Convert a length to metres."""
    metres = {"feet": 0.3048, "miles": 1609.344, "inches": 0.0254}
    return f"{value * metres[unit]:.2f} metres"


def main(backbone: str = "local", request: str = "How many metres are 702 feet?") -> None:
    middleware = [ToolCallRepair(), LoopGuard(), Budget(max_calls=5)]
    agent = create_agent(load_backbone(backbone), [convert_length], middleware=middleware)
    for step in agent.stream({"messages": [("user", request)]}, stream_mode="updates"):
        for update in step.values():
            for message in (update or {}).get("messages", []):
                message.pretty_print()


if __name__ == "__main__":
    main(*sys.argv[1:])
