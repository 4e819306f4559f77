"""Let a model use a function of yours.

    python examples/custom_tool.py [backbone] ["request"]

With the embedded model the call is held to the function's signature while it is written, so it always parses;
with another one `ToolCallRepair` mends what can be mended.
"""

import sys

from langchain.agents import create_agent

from agentcore import Budget, load_backbone
from agentcore.middleware import LoopGuard, ToolCallRepair


def convert_length(value: float, unit: str) -> str:
    """Convert a length in feet, miles or inches to metres."""
    metres = {"feet": 0.3048, "miles": 1609.344, "inches": 0.0254}
    if unit not in metres:
        return f"unknown unit {unit!r}: use one of {', '.join(metres)}"
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
