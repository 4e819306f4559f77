"""Trim a reasoning stream with nothing but an async generator: no agent, no framework.

Without arguments a short recorded reasoning is served on this machine and trimmed; with ``--base-url`` and ``--model`` the same code
trims a model behind any OpenAI-compatible server.

Start it with `python examples/trim_stream.py`.
"""

from __future__ import annotations

import argparse
import asyncio

import httpx

from agentcore.decoding.trimming import TrimmedReply, Trimming, TrimmingConfig, trim_stream
from agentcore.decoding.trimming.remote import RemoteSource
from agentcore.evaluation.trimming_server import ReplayServer
from agentcore.evaluation.trimming_traces import Trace

QUESTION = "A farm has 12 cows and 44 sheep. How many animals are there in total?"
RECORDED = (
    "I need to add the cows and the sheep. So 12 + 44 = 56. Therefore, there are 56 animals in total.\n\n"
    "Wait, let me double-check that. 12 + 44 is 56. So the total is 56 animals.\n\n"
    "Hmm, let me verify it once more. 10 + 44 is 54, and 2 more is 56. So there are 56 animals in total.\n\n"
    "But let me make sure that nothing was missed. The problem names cows and sheep only. So the total is 56.\n\n"
    "Alternatively, I could count down from 60: 60 minus 4 is 56. So it is 56 again.\n\n"
)


async def ask(base_url: str, model: str, question: str, *, caution: int) -> TrimmedReply:
    reply = TrimmedReply()
    async with httpx.AsyncClient(base_url=f"{base_url}/", timeout=120.0) as client:
        source = RemoteSource(client, model, [{"role": "user", "content": question}])
        with Trimming(TrimmingConfig(caution=caution)) as trimming:
            async for delta in trim_stream(source, question, trimming=trimming, reply=reply):
                print(delta.text, end="", flush=True)
    print()
    return reply


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", help="such as http://localhost:8000/v1")
    parser.add_argument("--model", default="recorded")
    parser.add_argument("--question", default=QUESTION)
    parser.add_argument("--caution", type=int, default=11, help="8 is bold, 14 cautious")
    options = parser.parse_args()
    if options.base_url:
        reply = await ask(options.base_url, options.model, options.question, caution=options.caution)
    else:
        trace = Trace("recorded", "", "", QUESTION, "56", "", RECORDED, "56", True, True, len(RECORDED) // 4)
        async with ReplayServer({"recorded": trace}) as server:
            reply = await ask(server.base_url, "recorded", QUESTION, caution=options.caution)
    if reply.verdict is None:
        print("not cut")
    else:
        print(f"cut ({reply.verdict.reason}: {reply.verdict.detail}) after {reply.report.num_tokens} tokens")
    print(f"answer: {reply.answer}")


if __name__ == "__main__":
    asyncio.run(main())
