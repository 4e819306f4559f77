"""How well and how fast the memory finds things, beside named baselines in the same run."""

from agentcore.memory.benchmarks._answers import Answering
from agentcore.memory.benchmarks._dataset import DatasetError
from agentcore.memory.benchmarks._report import draw_plot, print_scale_table, print_tables
from agentcore.memory.benchmarks._result import BenchResult
from agentcore.memory.benchmarks.engines import ABLATIONS, ENGINES, EngineUnavailableError
from agentcore.memory.benchmarks.locomo import LocomoConfig, run_locomo
from agentcore.memory.benchmarks.longmemeval import LongMemEvalConfig, run_longmemeval
from agentcore.memory.benchmarks.memory_scale import MemoryScaleConfig, run_memory_scale

__all__ = [
    "ABLATIONS",
    "ENGINES",
    "Answering",
    "BenchResult",
    "DatasetError",
    "EngineUnavailableError",
    "LocomoConfig",
    "LongMemEvalConfig",
    "MemoryScaleConfig",
    "draw_plot",
    "print_scale_table",
    "print_tables",
    "run_locomo",
    "run_longmemeval",
    "run_memory_scale",
]
