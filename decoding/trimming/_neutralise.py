"""Make text that is not ours unable to pass for a think tag, a chat marker or a guide prompt.

Text put at the start of an assistant's answer raises the success of attacks 3.3-fold (arXiv 2601.03868, response-prefix attack). So
whatever a user, a tool or the memory supplied is neutralised before a model reads it: markers lose their angle brackets or gain a
space, forged guides lose their exact wording. Ordinary text comes through unchanged.
"""

from __future__ import annotations

import re
import unicodedata

from agentcore.decoding.trimming._verdicts import FORCED, MILD

_TAG_NAMES = (
    r"think|thinking|thought|thoughts|reasoning|scratchpad|reflection|inner_monologue|seed:think|answer|assistant|system|"
    r"tool_call|tool_calls|tool_response|tool_result|tool_results"
)
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
# No two neighbours that match the same blanks: pages of blanks would be read once for each way to share them out.
_MARKERS = (
    re.compile(rf"[<＜〈⟨]\s*(?:[/／]\s*)?(?:{_TAG_NAMES})\b[^<>＞\n]{{0,80}}[>＞〉⟩]", re.I),
    re.compile(r"[<＜]\s*[|｜].{1,64}?[|｜]\s*[>＞]", re.S),
    re.compile(
        r"\[\s*(?:/\s*)?(?:INST|SYS|THINK|/THINK|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\s*\]",
        re.I,
    ),
    re.compile(r"<<\s*(?:/\s*)?SYS\s*>>", re.I),
    re.compile(r"[◁◀]\s*(?:/\s*)?think\s*[▷▶]", re.I),
    re.compile(r"<\s*(?:start|end)_of_turn\s*>|</?s>|<\s*bos\s*>|<\s*eos\s*>", re.I),
    re.compile(r"&lt;\s*(?:/\s*)?(?:think|thinking|thought|reasoning)\s*&gt;", re.I),
)
_ROLE_LINE = re.compile(r"^([^\S\n]*(?:#{1,6}\s*)?\**)(assistant|助手)(\**\s*[:：])", re.I | re.M)
_GUIDES = tuple(
    re.compile(r"\W+".join(map(re.escape, re.findall(r"\w+", sentence))), re.I)
    for text in (MILD, FORCED)
    for sentence in text.strip().split("\n\n")
    if len(sentence.split()) > 3
)
_HEADING = re.compile(r"\*\*\s*Final\s+Answer\s*\*\*", re.I)


def neutralise(text: str) -> str:
    """Return a text that can neither open or close a think block, nor begin a turn, nor pass for a guide prompt.

    Parameters
    ----------
    text : str
        What a user, a tool or the memory supplied.

    Returns
    -------
    str
        The same text where nothing in it imitates control text. A marker is kept readable: ``<think>`` becomes
        ``‹think›``. Applying it twice changes nothing more.
    """
    seen = _INVISIBLE.sub("", text)
    if not is_suspicious(seen):
        folded = unicodedata.normalize("NFKC", seen)
        if not is_suspicious(folded):
            return text
        seen = folded
    for _ in range(8):
        before = seen
        for marker in _MARKERS:
            seen = marker.sub(_blunt, seen)
        if seen == before:
            break
    seen = _ROLE_LINE.sub(r"\1\2 -", seen)
    for guide in _GUIDES:
        seen = guide.sub("[removed]", seen)
    return _HEADING.sub("Final answer", seen)


def is_suspicious(text: str) -> bool:
    """Whether a text, as it stands, imitates control text."""
    patterns = (*_MARKERS, _ROLE_LINE, _HEADING, *_GUIDES)
    return any(pattern.search(text) for pattern in patterns)


def _blunt(found: re.Match[str]) -> str:
    """Replace the brackets of a marker by look-alikes that no template knows."""
    inner = re.sub(r"^(?:&lt;)|(?:&gt;)$", "", found.group())
    return "‹" + re.sub(r"[<>＜＞‹›〈〉⟨⟩|｜\[\]◁▷◀▶]", "", inner).strip() + "›"
