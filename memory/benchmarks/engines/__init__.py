"""The stores that are compared, each behind one small adapter."""

from agentcore.memory.benchmarks.engines._ablations import ABLATIONS
from agentcore.memory.benchmarks.engines._factory import ENGINES, make_engine
from agentcore.memory.benchmarks.engines._protocol import Engine, EngineUnavailableError, Found, TextForm
from agentcore.memory.benchmarks.engines._swiftmem import SwiftMemEngine, turn_text

__all__ = [
    "ABLATIONS",
    "ENGINES",
    "Engine",
    "EngineUnavailableError",
    "Found",
    "SwiftMemEngine",
    "TextForm",
    "make_engine",
    "turn_text",
]
