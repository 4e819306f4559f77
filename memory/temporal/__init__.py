"""When things happened: time expressions of a query, and the index of event times."""

from agentcore.memory.temporal._expressions import may_name_time, parse_spans
from agentcore.memory.temporal._span import Span, merge_intervals

__all__ = ["Span", "may_name_time", "merge_intervals", "parse_spans"]
