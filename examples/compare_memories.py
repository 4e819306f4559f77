"""Compare two memories on data of your own: which one finds the record that holds the answer.

    python examples/compare_memories.py

Here: 72 articles and the questions about them. A memory is anything with `add` and `search`; put yours in.
"""

import json
import re
import time
from collections import Counter
from pathlib import Path

from agentcore.memory import SwiftMem

HERE = Path(__file__).parent


class WordCount:
    """The memory to beat: it counts the words that question and record share."""

    def __init__(self) -> None:
        self._records: list[tuple[str, Counter[str]]] = []

    def add(self, text: str) -> None:
        self._records.append((text, Counter(re.findall(r"\w+", text.lower()))))

    def search(self, query: str, *, limit: int) -> list[str]:
        words = re.findall(r"\w+", query.lower())
        ranked = sorted(self._records, key=lambda record: -sum(word in record[1] for word in words))
        return [text for text, _ in ranked[:limit]]


class Swift:
    """SwiftMem under the same two verbs."""

    def __init__(self) -> None:
        self._memory = SwiftMem(None)

    def add(self, text: str) -> None:
        self._memory.add(text)

    def search(self, query: str, *, limit: int) -> list[str]:
        return [hit.text for hit in self._memory.search(query, limit=limit)]


def main() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted((HERE / "corpus").glob("*.md"))}
    questions = [
        q for q in json.loads((HERE / "questions.json").read_text(encoding="utf-8")) if q["evidence"]
    ]
    print(f"{'memory':12} {'recall@1':>9} {'recall@5':>9} {'ms/search':>10}")
    for name, memory in (("word count", WordCount()), ("SwiftMem", Swift())):
        for text in texts.values():
            memory.add(text)
        recall = {1: 0.0, 5: 0.0}
        started = time.perf_counter()
        for question in questions:
            gold = {texts[item["source"]] for item in question["evidence"]}
            found = memory.search(question["question"], limit=5)
            for limit in recall:
                recall[limit] += len(gold & set(found[:limit])) / len(gold) / len(questions)
        seconds = time.perf_counter() - started
        print(f"{name:12} {recall[1]:9.2f} {recall[5]:9.2f} {1000 * seconds / len(questions):10.1f}")


if __name__ == "__main__":
    main()
