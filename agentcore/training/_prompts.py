"""Questions and tasks over passages, for a model to write texts of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

__all__ = ["prompts"]

_ABOUT = (
    "Tell me about {title}.",
    "What is {title}?",
    "Explain {title} to a child.",
    "Write a short story in which {title} plays a part.",
    "Give five facts about {title}.",
    "Write a letter to a friend about {title}.",
    "What are the most important things to know about {title}?",
    "Describe {title} in two sentences.",
    "Write an essay on {title} with three paragraphs.",
    "Make a list of questions that a journalist could ask about {title}.",
    "How would you introduce {title} in a speech?",
    "Write a news article about {title}.",
    "Compare {title} with something similar.",
    "Why does {title} matter?",
    "Write a dialogue of two people who talk about {title}.",
    "What happened before and after {title}?",
    "Plan a lesson about {title}, step by step.",
    "Write a poem about {title}.",
    "What advice would you give somebody who wants to learn about {title}?",
    "Summarise what is known about {title} and what is not.",
    "Is {title} well known? Give reasons.",
    "Write an email to a colleague with a question about {title}.",
    "Think step by step: how would you find out more about {title}?",
    'Write a blog post titled "{title}".',
    "What are the advantages and disadvantages of {title}?",
    "List the steps to write a report on {title}.",
)
_OVER = (
    "{text}\n\nSummarise the text.",
    "{text}\n\nWhat is the main point of this text, and why?",
    "Read this:\n{text}\n\nWrite three questions that it answers, with the answers.",
    "Rewrite in simple words: {text}",
    "Continue this text: {text}",
    "{text}\n\nExplain to a reader what they should know to understand this.",
)
_SYSTEM = (
    "You are a helpful assistant.",
    "You are a careful writer. Answer briefly.",
    "You are a research assistant.",
)
_SHARE_OVER_TEXT = 0.2
_SHARE_WITH_SYSTEM = 0.5


def prompts(passages: Sequence[Mapping[str, str]], *, seed: int) -> Iterator[list[dict[str, str]]]:
    """Yield conversations of one turn, as chat messages, without end.

    Parameters
    ----------
    passages : sequence of mapping
        ``title`` and ``text`` each.
    seed : int
        Equal seeds give equal conversations.
    """
    draw = random.Random(seed)
    while True:
        passage = draw.choice(passages)
        template = draw.choice(_OVER if draw.random() < _SHARE_OVER_TEXT else _ABOUT)
        system = draw.choice(_SYSTEM) if draw.random() < _SHARE_WITH_SYSTEM else ""
        messages = [{"role": "system", "content": system}] if system else []
        content = template.format(title=passage["title"], text=passage["text"][:1200])
        yield [*messages, {"role": "user", "content": content}]
