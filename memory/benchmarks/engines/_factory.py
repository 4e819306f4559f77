"""Engines by name; a peer's package is imported when its engine is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from agentcore.memory.benchmarks.engines._ablations import ABLATIONS
from agentcore.memory.benchmarks.engines._protocol import Engine
from agentcore.memory.benchmarks.engines._swiftmem import SwiftMemEngine
from agentcore.memory.embedding import Embedder

__all__ = ["ENGINES", "make_engine"]


def _faiss(folder: Path, embedder: Embedder) -> Engine:  # noqa: ARG001
    from agentcore.memory.benchmarks.engines._faiss_flat import FaissFlatEngine

    return FaissFlatEngine()


def _faiss_hnsw(folder: Path, embedder: Embedder) -> Engine:  # noqa: ARG001
    from agentcore.memory.benchmarks.engines._faiss_ann import FaissAnnEngine

    return FaissAnnEngine("hnsw")


def _faiss_ivf(folder: Path, embedder: Embedder) -> Engine:  # noqa: ARG001
    from agentcore.memory.benchmarks.engines._faiss_ann import FaissAnnEngine

    return FaissAnnEngine("ivf")


def _bm25(folder: Path, embedder: Embedder) -> Engine:  # noqa: ARG001
    from agentcore.memory.benchmarks.engines._bm25 import Bm25Engine

    return Bm25Engine()


def _rrf(folder: Path, embedder: Embedder) -> Engine:  # noqa: ARG001
    from agentcore.memory.benchmarks.engines._rank_fusion import RankFusionEngine

    return RankFusionEngine()


def _lancedb(folder: Path, embedder: Embedder) -> Engine:  # noqa: ARG001
    from agentcore.memory.benchmarks.engines._lancedb import LanceDbEngine

    return LanceDbEngine(folder)


def _lancedb_unindexed(folder: Path, embedder: Embedder) -> Engine:  # noqa: ARG001
    from agentcore.memory.benchmarks.engines._lancedb import LanceDbEngine

    return LanceDbEngine(folder, user_index=False)


def _lancedb_dense(folder: Path, embedder: Embedder) -> Engine:  # noqa: ARG001
    from agentcore.memory.benchmarks.engines._lancedb import LanceDbEngine

    return LanceDbEngine(folder, hybrid=False)


def _chroma(folder: Path, embedder: Embedder) -> Engine:  # noqa: ARG001
    from agentcore.memory.benchmarks.engines._chroma import ChromaEngine

    return ChromaEngine(folder)


def _sqlite_vec(folder: Path, embedder: Embedder) -> Engine:  # noqa: ARG001
    from agentcore.memory.benchmarks.engines._sqlite_vec import SqliteVecEngine

    return SqliteVecEngine(folder)


def _txtai(folder: Path, embedder: Embedder) -> Engine:  # noqa: ARG001
    from agentcore.memory.benchmarks.engines._txtai import TxtaiEngine

    return TxtaiEngine(folder)


def _swiftmem(folder: Path, embedder: Embedder) -> Engine:
    return SwiftMemEngine(folder, embedder=embedder)


def _ablation(name: str) -> Callable[[Path, Embedder], Engine]:
    ablation = ABLATIONS[name]
    return lambda folder, embedder: SwiftMemEngine(
        folder, embedder=embedder, search=ablation.search, name=name, consolidates=ablation.consolidate
    )


ENGINES: Mapping[str, Callable[[Path, Embedder], Engine]] = {
    "swiftmem": _swiftmem,
    **{name: _ablation(name) for name in ABLATIONS},
    "faiss": _faiss,
    "faiss-hnsw": _faiss_hnsw,
    "faiss-ivf": _faiss_ivf,
    "bm25": _bm25,
    "rrf": _rrf,
    "lancedb": _lancedb,
    "lancedb-unindexed": _lancedb_unindexed,
    "lancedb-dense": _lancedb_dense,
    "chroma": _chroma,
    "sqlite-vec": _sqlite_vec,
    "txtai": _txtai,
}
"""By the names that `--compare` knows."""


def make_engine(name: str, *, folder: Path, embedder: Embedder) -> Engine:
    """Make an engine that keeps its files in `folder`.

    Raises
    ------
    ValueError
        No engine has this name.
    EngineUnavailableError
        Its package is not installed.
    """
    if name not in ENGINES:
        raise ValueError(f"no engine is called {name!r}: choose from {', '.join(ENGINES)}")
    return ENGINES[name](folder, embedder)
