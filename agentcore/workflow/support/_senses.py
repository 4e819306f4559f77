"""Which words mean the same, the contrary, or the same with the sides exchanged: synonyms, opposites, converse verbs."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["CONVERSES", "OPPOSITES", "SYNONYMS"]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Adjectives of which only the degrees are opposed here ("lighter": "light" is a noun as well).
_GRADED = (
    "deep/shallow", "wide broad/narrow", "strong/weak", "rich/poor", "hot warm/cold cool", "soft/hard", "thick/thin",
    "bright/dark dim", "loud/quiet", "cheap/dear", "wet/dry damp", "tall/short", "heavy/light", "large big great/small",
    "high/low", "long/short", "old/young", "fast quick swift/slow", "early/late", "near close/far", "clean/dirty",
    "sharp/blunt", "safe/risky", "steep/flat", "smooth/rough",
)  # fmt: skip
_DOUBLING = _set("big hot thin dim wet flat")


def _degree(base: str, ending: str) -> str:
    """Return an adjective's comparative ("er") or superlative ("est")."""
    if base == "far":
        return {"er": "farther", "est": "farthest"}[ending]
    if base.endswith("y"):
        return (base if base == "dry" else base[:-1] + "i") + ending
    return (base + base[-1] if base in _DOUBLING else base.removesuffix("e")) + ending


def _degrees() -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Yield the comparatives and the superlatives of opposite adjectives."""
    for pair in _GRADED:
        left, right = (side.split() for side in pair.split("/"))
        for ending in ("er", "est"):
            yield (
                frozenset(_degree(base, ending) for base in left),
                frozenset(_degree(base, ending) for base in right),
            )


SYNONYMS = tuple(
    _set(group)
    for group in (
        "buy purchase acquire",
        "defeat beat",
        "tolerate withstand",
        "begin start commence",
        "end finish complete conclude",
        "receive get win obtain",
        "approve accept adopt pass",
        "allow permit",
        "call name",
        "lead head direct run manage",
        "found establish set",
        "build construct erect",
        "publish print issue release",
        "rise grow increase climb",
        "fall drop decrease shrink decline sink",
        "show display exhibit",
        "move relocate transfer",
        "link connect join",
        "teach instruct train",
        "need require take",
        "use employ",
        "close shut",
        "live reside",
        "die perish",
        "make produce manufacture create",
        "hire engage appoint",
        "compose write author",
        "orbit circle",
        "large big",
        "small little",
        "quick fast rapid",
    )
)
OPPOSITES = tuple(
    (_set(left), _set(right))
    for left, right in (
        side.split("/")
        for side in (
            "open opens opened/closed close closes shut", "larger bigger/smaller",
            "high higher/low lower", "older/younger newer", "earlier/later", "fast faster fastest quick quicker quickly rapid rapidly/slow slower slowest slowly",
            "more/less fewer", "better/worse", "increase increased grow grew rise rose rises climbed advance advanced gain gained/"
            "decrease decreased fall fell falls drop dropped shrink shrank declined retreat retreated lost",
            "win won wins/lose lost loses", "northern north/southern south", "eastern east/western west",
            "inside/outside", "begin began start started/end ended finish finished", "above over/below under",
            "accept accepted approve approved adopted pass passed/reject rejected declined refused fail failed",
            "allow allowed permit permitted/forbid forbidden ban banned prohibited",
            "import imports imported/export exports exported", "alive/dead", "male/female", "hot warm/cold", "public/private",
            "success/failure", "best/worst", "maximum/minimum", "most/least", "always/never", "include included including includes/exclude excluded excluding except", "wet/dry", "deep/shallow", "wide/narrow",
            "strong/weak", "rich/poor", "upper/lower", "enter entered/leave left", "arrive arrived/depart departed",
            "add added adds/remove removed removes drop dropped", "agree agreed/disagree disagreed", "legal/illegal",
            "married/unmarried", "supported/opposed", "majority/minority", "first/last",
            "admit admitted conceded/deny denied", "newest latest youngest/oldest earliest",
            "largest biggest/smallest", "highest tallest/lowest", "longest/shortest", "heat heated/cool cooled",
            "common/rare", "appear appeared/disappear disappeared", "attack attacked/defend defended",
            "full/empty", "early/late", "old/new", "safe/dangerous", "natural/artificial", "temporary/permanent", "odd/even",
            "succeed succeeded/fail failed", "hire hired/fire fired dismissed", "remember/forget", "even/odd", "soft/hard",
            "guilty/innocent", "mandatory compulsory required/optional voluntary", "left/right",
        )
    )
) + tuple(_degrees())  # fmt: skip
# Verbs that say the same with the two sides exchanged.
CONVERSES = tuple(
    (_set(left), _set(right))
    for left, right in (
        side.split("/")
        for side in (
            "teach/learn study", "buy acquire purchase/sell", "succeed follow replace/precede", "give award lend grant/"
            "receive get borrow win inherit", "employ hire/work serve", "evolve descend develop/give lead produce", "lead/follow",
            "own/belong", "send/receive", "defeat beat/lose", "contain include/belong", "cause/result stem",
            "influence inspire/draw",
        )
    )
)  # fmt: skip
