"""Words that carry no content: English function words and the fillers of chat, for BM25 and for late interaction."""

from __future__ import annotations

__all__ = ["STOP_WORDS"]

_FUNCTION_WORDS = """
a about above after again against all also am an and any are aren as at be because been before being below between both
but by can cannot could couldn did didn do does doesn doing don down during each either else ever few for from further had
hadn has hasn have haven having he her here hers herself him himself his how i if in into is isn it its itself just let ll
me might mine more most much must my myself neither no nor not now of off on once only onto or other ought our ours
ourselves out over own per re s same shall she should shouldn so some such t than that the their theirs them themselves
then there these they this those though through to too under until up upon us ve very was wasn we were weren what whatever
when where whether which while who whom whose why will with within without won would wouldn yes yet you your yours yourself
yourselves d m o
"""

# Chat openers and fillers: they match any question and answer none.
_FILLERS = """
ah aw awesome bye cool gonna gosh great haha hello hey hi hmm huh kinda lol nah nice oh ok okay omg really sure thank thanks
uh um wanna well whoa wow ya yay yeah yep yup
"""

STOP_WORDS: frozenset[str] = frozenset((_FUNCTION_WORDS + _FILLERS).split())
"""Lower-case words to leave out; apostrophes split words, so `don't` is `don` and `t`."""
