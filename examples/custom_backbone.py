"""Make a backbone of any program that reads a prompt and prints an answer.

    python examples/custom_backbone.py ollama run qwen3

A backbone is a LangChain chat model and nothing more: this class can be given to `Agent(backbone=...)`, to
`create_agent`, and to every middleware.
"""

import subprocess
import sys
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from agentcore import Budget
from agentcore.messages import split_reasoning


class CommandModel(BaseChatModel):
    """Runs a command for each answer, with the conversation on its standard input."""

    command: list[str]
    timeout_s: float = 120.0

    @property
    def _llm_type(self) -> str:
        return self.command[0]

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        prompt = "\n".join(f"{message.type}: {message.text}" for message in messages) + "\nai:"
        done = subprocess.run(
            self.command, input=prompt, capture_output=True, text=True, timeout=self.timeout_s, check=True
        )
        _, answer = split_reasoning(done.stdout.strip())
        return ChatResult(generations=[ChatGeneration(message=AIMessage(answer))])


def main(*command: str) -> None:
    agent = create_agent(CommandModel(command=list(command)), middleware=[Budget(max_calls=1)])
    print(agent.invoke({"messages": [("user", "Name a river in Belgium.")]})["messages"][-1].text)


if __name__ == "__main__":
    main(*(sys.argv[1:] or sys.exit(__doc__)))
