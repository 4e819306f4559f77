"""Use a model behind any server of the OpenAI chat API: vLLM, SGLang, llama.cpp, Ollama, or OpenAI.

    python examples/openai_compatible_server.py qwen3@http://localhost:11434/v1

A key, where the server wants one, is read from AGENTCORE_API_KEY or OPENAI_API_KEY and never stored.
"""

import sys

from pydantic import BaseModel, Field

from agentcore import load_backbone


class Place(BaseModel):
    """A place and why one would go there."""

    name: str
    reason: str = Field(description="one short sentence")


def main(address: str) -> None:
    model = load_backbone(f"openai:{address}", timeout=60, max_retries=2)
    for chunk in model.stream("In one sentence: what is the River Meuse?"):
        for block in chunk.content_blocks:
            print(block.get("text") or f"({block.get('reasoning', '')})", end="", flush=True)
    print()
    print(model.with_structured_output(Place).invoke("Suggest a town on the River Meuse."))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else sys.exit(__doc__))
