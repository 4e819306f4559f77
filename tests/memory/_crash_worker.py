"""A process that writes to a memory until it is killed, and says on stdout what was acknowledged."""

import random
import sys

from agentcore.memory import SwiftMem, _collection, _planner
from agentcore.memory.embedding import HashEmbedder


def main(path: str, seed: int) -> None:
    """Add, update, delete, consolidate and snapshot at random; print a line after each acknowledged change."""
    _collection.LARGE = _planner.LARGE = 50  # let indexes and snapshots take part
    rng = random.Random(seed)
    memory = SwiftMem(path, embedder=HashEmbedder(32))
    mine: list[str] = []
    number = 0
    print("ready", flush=True)
    while True:
        number += 1
        step = rng.random()
        if step < 0.5 or not mine:
            count = rng.choice((1, 1, 5))
            names = [f"{seed}-{number}-{i}" for i in range(count)]
            memory.add_messages([{"content": f"note {name} first", "id": name} for name in names])
            mine += names
            print("add", *names, flush=True)
        elif step < 0.7:
            name = rng.choice(mine)
            memory.update(name, f"note {name} changed {number}")
            print("update", name, number, flush=True)
        elif step < 0.9:
            name = mine.pop(rng.randrange(len(mine)))
            print("deleting", name, flush=True)
            memory.delete(name)
            print("delete", name, flush=True)
        elif step < 0.95:
            memory.search("note first", limit=5)
            memory.search_text("note first", limit=5)
        else:
            memory.consolidate()  # ends in a snapshot
            print("consolidate", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
