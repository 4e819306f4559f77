"""Indexes of one large partition: times in order, neighbours by vector. Each is derived from the records."""

from agentcore.memory.index._ann import VectorIndex
from agentcore.memory.index._codes import VectorCodes
from agentcore.memory.index._rows import union
from agentcore.memory.index._temporal import TemporalIndex
from agentcore.memory.index._vectors import Vectors

__all__ = ["TemporalIndex", "VectorCodes", "VectorIndex", "Vectors", "union"]
