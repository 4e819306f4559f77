"""What records are about: taggers, and the DAG their tags form."""

from agentcore.memory.tags._graph import TagGraph
from agentcore.memory.tags._taggers import KeyphraseTagger, LanguageModelTagger, Tagger, Tagging, as_tagger

__all__ = ["KeyphraseTagger", "LanguageModelTagger", "TagGraph", "Tagger", "Tagging", "as_tagger"]
