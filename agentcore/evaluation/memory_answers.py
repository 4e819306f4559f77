"""A chat model as the reader, and as the judge, of the memory benchmarks."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, SystemMessage

from agentcore.memory.benchmarks import Answering

__all__ = ["answering"]

_READ = (
    "You answer questions about past conversations from excerpts of them. Give the shortest exact answer: a name, a date, a few words. "
    "Work out relative dates from the date of the excerpt. If the excerpts do not say it, reply: not mentioned."
)
_JUDGE = (
    "You compare an answer with the right one. Reply `yes` when the answer says the same, in whatever words and however long, "
    "and `no` when it contradicts it, misses it or declines."
)


def answering(
    reader: BaseChatModel, *, judge: BaseChatModel | None = None, passages: int = 10, most: int | None = None
) -> Answering:
    """Adapt chat models to the benchmark.

    Parameters
    ----------
    reader : BaseChatModel
        Answers from the excerpts that were found.
    judge : BaseChatModel or None
        Says whether an answer means the same as the right one. A weak judge's verdict carries no information: name it with the figure.
    passages, most
        As in `Answering`.
    """

    def answer(question: str, excerpts: Sequence[str]) -> str:
        listed = "\n".join(f"- {excerpt}" for excerpt in excerpts)
        return _reply(reader, _READ, f"Excerpts:\n{listed}\n\nQuestion: {question}\nAnswer:")

    def verdict(question: str, gold: str, reply: str) -> bool:
        assert judge is not None
        asked = f"Question: {question}\nRight answer: {gold}\nAnswer: {reply}\nSame? yes or no:"
        return _reply(judge, _JUDGE, asked).lower().lstrip("`*\"' ").startswith("yes")

    return Answering(answer, verdict if judge is not None else None, passages, most)


def _reply(model: BaseChatModel, system: str, text: str) -> str:
    """Return the visible text of a model's reply, one line."""
    message = model.invoke([SystemMessage(system), HumanMessage(text)])
    return " ".join(message.text.split())
