"""Trim the reasoning of a LangChain agent beside two middlewares of LangChain's own.

Without arguments the model is a recorded reasoning served on this machine; ``--backbone`` takes anything `load_backbone` knows, such as
``openai:MODEL@http://localhost:8000/v1``.

Start it with `python examples/trim_create_agent.py`.
"""

from __future__ import annotations

import argparse

from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware, ModelRetryMiddleware
from trim_stream import QUESTION, RECORDED

from agentcore.backbones import load_backbone
from agentcore.decoding.trimming import TrimmingConfig
from agentcore.evaluation.trimming_server import serving_traces
from agentcore.evaluation.trimming_traces import Trace
from agentcore.middleware import ThoughtTrimming


def run(backbone: str, question: str) -> None:
    trimming = ThoughtTrimming(TrimmingConfig(caution=11))
    agent = create_agent(
        load_backbone(backbone),
        middleware=[ModelCallLimitMiddleware(run_limit=5), trimming, ModelRetryMiddleware(max_retries=1)],
    )
    for mode, data in agent.stream({"messages": [("user", question)]}, stream_mode=["custom", "updates"]):
        if mode == "custom":
            print(
                f"thinking cut: {data['reason']} after {data['tokens']} tokens, about {data['tokens_saved']} saved"
            )
        else:
            for update in data.values():
                for message in (update or {}).get("messages", []):
                    print(f"answer: {message.text.strip()}")
    metrics = trimming.metrics
    print(f"{metrics.cuts} of {metrics.calls} calls cut, decoder waited {metrics.decoder_wait_ms:.0f} ms")
    trimming.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone")
    parser.add_argument("--question", default=QUESTION)
    options = parser.parse_args()
    if options.backbone:
        run(options.backbone, options.question)
        return
    trace = Trace("recorded", "", "", QUESTION, "56", "", RECORDED, "56", True, True, len(RECORDED) // 4)
    with serving_traces([trace]) as server:
        run(f"openai:recorded@{server.base_url}", QUESTION)


if __name__ == "__main__":
    main()
