"""The few-shot prompts of the reader: plain completion, no chat template.

A small instruct model drifts in its chat template (F1 .05 on the study's questions) and answers in the pattern
of examples (.32 from two passages). The head never changes, so its key-value cache is kept between questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["READING_HEAD", "ReadingPrompt", "phrasing_prompt", "reading_prompt"]

READING_HEAD = """\
Answer each question with a few words from its text.

Text: The Merrow Lighthouse is a lighthouse on the island of Aldsey. It was designed by the engineer Ruth Calder in 1871.
Ruth Calder: Calder was born in Dunfell and studied in Edinburgh.
Question: Where was the designer of the Merrow Lighthouse born?
Answer: Dunfell

Text: Tamsin Oakes is a Canadian cellist who plays in the Harrow Quartet.
Harrow Quartet: The quartet was founded in 1998 and has recorded 14 albums.
Question: In what year was the quartet of Tamsin Oakes founded?
Answer: 1998

Text: "Winter Harbour" is a novel by the Irish writer Colm Darragh about a fishing village.
Colm Darragh: Before he turned to writing he worked as a ship's carpenter.
Question: What was the profession of the author of "Winter Harbour" before he wrote?
Answer: ship's carpenter

Text: """

_PHRASING_HEAD = """\
Write the answer as one full sentence.

Question: Where was the designer of the Merrow Lighthouse born?
Short answer: Dunfell
Sentence: The designer of the Merrow Lighthouse was born in Dunfell.

Question: How many albums has the quartet of Tamsin Oakes recorded?
Short answer: 14
Sentence: The quartet of Tamsin Oakes has recorded 14 albums.

Question: What is the novel "Winter Harbour" about?
Short answer: a fishing village
Sentence: The novel "Winter Harbour" is about a fishing village.

"""


@dataclass(frozen=True, slots=True)
class ReadingPrompt:
    """A prompt and where each sentence stands in it.

    Attributes
    ----------
    text : str
        The whole prompt; the model answers right behind its end.
    offsets : tuple of int
        For each sentence, where its own text (behind the title put before it) begins in ``text``.
    title_offsets : tuple of (int or None)
        Where the title put before it begins, None without one.
    """

    text: str
    offsets: tuple[int, ...]
    title_offsets: tuple[int | None, ...]


def reading_prompt(question: str, sentences: Sequence[tuple[str, str]]) -> ReadingPrompt:
    """Build the prompt that asks for a few words out of the sentences.

    Parameters
    ----------
    question : str
        The question.
    sentences : sequence of (title, text)
        In reading order; the title is put before the text unless it is empty.
    """
    text, offsets, title_offsets = READING_HEAD, [], []
    for number, (title, sentence) in enumerate(sentences):
        if number:
            text += "\n" if title else " "
        title_offsets.append(len(text) if title else None)
        text += f"{title}: " if title else ""
        offsets.append(len(text))
        text += sentence
    text += f"\nQuestion: {question.strip()}\nAnswer:"
    return ReadingPrompt(text, tuple(offsets), tuple(title_offsets))


def phrasing_prompt(question: str, answer: str) -> str:
    """Build the prompt that asks for a full sentence from a question and its short answer."""
    return f"{_PHRASING_HEAD}Question: {question.strip()}\nShort answer: {answer}\nSentence:"
