"""The truth: one SQLite file, its schema, its rows and its change log."""

from agentcore.memory.storage._changes import Change, ChangeLog
from agentcore.memory.storage._database import Connection, Database, Synchronous
from agentcore.memory.storage._migrations import migrate
from agentcore.memory.storage._rows import EXPIRED, Features, NewRow, RowStore
from agentcore.memory.storage._tag_rows import TagRows
from agentcore.memory.storage._text_index import TextIndex

__all__ = [
    "EXPIRED",
    "Change",
    "ChangeLog",
    "Connection",
    "Database",
    "Features",
    "NewRow",
    "RowStore",
    "Synchronous",
    "TagRows",
    "TextIndex",
    "migrate",
]
