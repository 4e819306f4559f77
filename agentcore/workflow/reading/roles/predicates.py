"""Words for the same event or relation, whatever their part of speech: "directed" and "director", "sink" and "sank"."""

from __future__ import annotations

from agentcore.workflow.reading.lexicon import base_form
from agentcore.workflow.reading.words import stem

__all__ = ["BIRTH", "DEATH", "MARRIAGE", "PLACE", "WORKS", "WRITING", "converses", "predicates_of"]

# Names with a blank: no stem of a word is one.
BIRTH, DEATH, MARRIAGE, PLACE, WRITING = "a birth", "a death", "a marriage", "a place", "a text"
# Words that no stem brings together, by what they tell. A word may tell more than one.
_GROUPS = {
    BIRTH: "bear born birth birthplace",
    DEATH: "die dies died dying death dead killed",
    MARRIAGE: "marry married marries marrying marriage husband wife spouse widow widower wed consort",
    WRITING: "write writes wrote written writing writer author novelist authored",
    PLACE: "locate located lies lie lay situated stands stand based",
    "a name": "call called name named known titled nicknamed dubbed renamed",
    "a part": "star stars starred starring play plays played playing portray portrays portrayed portraying feature features "
    "featuring cast",
    "a founding": "found founded founder founding establish established establishes start started create created creator",
    "a climbing": "climb climbed climber ascend ascended ascent",
    "a schooling": "study studied educated attend attended graduated graduate studies",
    "a home": "live lived lives reside resided resides residing",
    "a reign": "rule ruled reigned reign ruler king queen monarch emperor",
    "an origin": "come comes came hail hails native born",
    "a song": "sing sings sang sung singer recorded performed",
    "a property": "own owned owner owns",
    "an opening": "open opened inaugurated",
    "a teaching": "teach taught teacher teaches pupil student",
}
_BY_WORD: dict[str, frozenset[str]] = {}
for _group, _words in _GROUPS.items():
    for _word in _words.split():
        _BY_WORD[_word] = _BY_WORD.get(_word, frozenset()) | {_group}
_BY_STEM = {stem(_word): _groups for _word, _groups in _BY_WORD.items()}
# What people write: "the novel ... by".
WORKS = frozenset(["novel", "book", "story", "poem", "play", "screenplay", "script", "memoir"])
# The two sides of a relation: whoever is the one to somebody, to that one somebody is the other.
_SIDES = (
    ("mother father parent", "son daughter child"),
    ("grandfather grandmother grandparent", "grandson granddaughter grandchild"),
    ("uncle aunt", "nephew niece"),
    ("brother sister sibling", "brother sister sibling"),
    ("husband wife spouse", "husband wife spouse"),
    ("teacher", "student pupil"),
    ("predecessor", "successor"),
)
_SHORTEST_AGENT = 6  # letters of the stem of an agent noun: "invent-or", no "riv-er"


def predicates_of(word: str) -> frozenset[str]:
    """Return what a word tells: two words tell the same where they share one of these."""
    low = word.lower()
    if low in _BY_WORD:
        return _BY_WORD[low]
    if "-" in low:  # "singer-songwriter"
        return frozenset().union(*(predicates_of(part) for part in low.split("-") if part))
    key = stem(base_form(low))
    if key in _BY_STEM:
        return _BY_STEM[key]
    if len(key) >= _SHORTEST_AGENT and key.endswith(("er", "or")):
        key = key[:-2]
    return frozenset((key[:-1] if key.endswith("e") and len(key) > 4 else key,))


def converses(word: str) -> frozenset[str]:
    """Return the words for the other side of a relation: "son" and "daughter" of "father"."""
    low = word.lower()
    found: set[str] = set()
    for one, other in _SIDES:
        found |= set(other.split()) if low in one.split() else set()
        found |= set(one.split()) if low in other.split() else set()
    return frozenset(found)
