"""A folder of documents as something to search, read and cite.

Documents are read by one parser a format, kept as snapshots under their sha256, cut into passages that point into
their snapshot, and indexed in whatever store satisfies :class:`PassageStore`.
"""

from __future__ import annotations

from agentcore.tools.corpus._chunking import chunk
from agentcore.tools.corpus._documents import Document, Passage, PassageHit, text_digest
from agentcore.tools.corpus._folder import open_folder, read_folder
from agentcore.tools.corpus._index import CorpusIndex, IndexReport, PassageStore, StoredDocument
from agentcore.tools.corpus._snapshots import FolderSnapshots, MemorySnapshots, SnapshotStore
from agentcore.tools.corpus._tools import corpus_tools
from agentcore.tools.corpus.parsers import supported_suffixes

__all__ = [
    "CorpusIndex",
    "Document",
    "FolderSnapshots",
    "IndexReport",
    "MemorySnapshots",
    "Passage",
    "PassageHit",
    "PassageStore",
    "SnapshotStore",
    "StoredDocument",
    "chunk",
    "corpus_tools",
    "open_folder",
    "read_folder",
    "supported_suffixes",
    "text_digest",
]
