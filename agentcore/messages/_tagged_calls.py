"""Calls between the marks that model families were trained on.

======================  ==============================================================================
Hermes, Qwen            ``<tool_call>{"name": ..., "arguments": {...}}</tool_call>``
Qwen Coder, Llama       ``<function=name><parameter=key>value</parameter></function>``
GLM                     ``<tool_call>name<arg_key>key</arg_key><arg_value>value</arg_value></tool_call>``
Llama                   ``<|python_tag|>{"name": ..., "parameters": {...}}`` or ``name.call(key="value")``
DeepSeek                ``<｜tool▁call▁begin｜>name<｜tool▁sep｜>{...}<｜tool▁call▁end｜>``, with or without a fence
Kimi                    ``<|tool_call_begin|>functions.name:0<|tool_call_argument_begin|>{...}<|tool_call_end|>``
Mistral                 ``[TOOL_CALLS][{...}]``, ``[TOOL_CALLS]name[ARGS]{...}``
gpt-oss                 ``... to=functions.name ...<|message|>{...}<|call|>``
openPangu               ``[unused11][{...}][unused12]``
invoke                  ``<invoke name="name"><parameter name="key">value</parameter></invoke>``
======================  ==============================================================================

A missing closing mark ends the call where the next one begins, or with the text. A mark right after a
backtick is being talked about and opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from agentcore.messages._found import FoundCalls, WrittenCall

__all__ = ["find_tagged_calls", "unfenced"]

Reader = Callable[[re.Match[str]], WrittenCall]

_FENCE = re.compile(r"\A\s*```[\w-]*[ \t]*\n?(.*?)(?:```)?\s*\Z", re.DOTALL)
_QWEN_PARAMETER = re.compile(
    r"<parameter=([^>\s]+)\s*>\n?(.*?)\n?(?:</parameter>|(?=<parameter=)|\Z)", re.DOTALL
)
_INVOKE_PARAMETER = re.compile(
    r"""<parameter\s+name=["']([^"']+)["'][^>]*>(.*?)(?:</parameter>|\Z)""", re.DOTALL
)
_GLM_PARAMETER = re.compile(
    r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)(?:</arg_value>|(?=<arg_key>)|\Z)", re.DOTALL
)
_WRAPPERS = re.compile(
    r"</?(?:tool_calls|function_calls)>|<\|tool_calls(?:_section)?_(?:begin|end)\|>|<\|(?:eom|eot)_id\|>|</s>"
    r"|<\|im_end\|>|<\|channel\|>commentary|</?(?:tool_call|function_call)>"
)


def unfenced(text: str) -> str:
    """Return the inside of a code fence, or the text itself, stripped."""
    match = _FENCE.match(text)
    return (match[1] if match else text).strip()


def find_tagged_calls(text: str) -> FoundCalls:
    """Return the calls that stand between marks, broken ones too, and the text around them."""
    plain = text.replace("｜", "|").replace("▁", "_")  # of equal length, so positions stay
    taken: list[tuple[int, int, WrittenCall]] = []
    for pattern, reader in _FORMATS:
        for match in pattern.finditer(plain):
            if _is_quoted(plain, match.start()) or any(
                start < match.end() and match.start() < end for start, end, _ in taken
            ):
                continue
            taken.append((match.start(), match.end(), reader(match)))
    if not taken:
        return FoundCalls(text=text, calls=())
    taken.sort(key=lambda found: found[0])
    kept = "".join(text[start:end] for start, end in _gaps([found[:2] for found in taken], len(text)))
    rest = _WRAPPERS.sub("", kept.replace("｜", "|").replace("▁", "_")).strip()
    return FoundCalls(text=rest, calls=tuple(call for _, _, call in taken))


def _is_quoted(text: str, start: int) -> bool:
    """Tell whether the mark is talked about rather than used."""
    return start > 0 and text[start - 1] in "`'\""


def _gaps(spans: list[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """Return the stretches between the spans."""
    position = 0
    for start, end in spans:
        yield position, start
        position = end
    yield position, length


def _read_hermes(match: re.Match[str]) -> WrittenCall:
    payload = unfenced(match[1])
    if match_function := _FUNCTION.search(payload):
        return _read_function(match_function)
    if (pairs := _GLM_PARAMETER.findall(payload)) and not _is_cut(payload, "arg_value"):
        name = payload.partition("<arg_key>")[0].strip()
        return WrittenCall("glm", {key.strip(): value for key, value in pairs}, name=name)
    return WrittenCall("hermes", payload)


def _read_function(match: re.Match[str]) -> WrittenCall:
    name = match[1].strip().strip("\"'")
    pairs = _QWEN_PARAMETER.findall(match[2])
    if not match[0].endswith("</function>") and _is_cut(match[2], "parameter"):
        pairs = []
    return WrittenCall("function", dict(pairs) if pairs else unfenced(match[2]) or "{}", name=name)


def _read_invoke(match: re.Match[str]) -> WrittenCall:
    if not match[0].endswith("</invoke>") and _is_cut(match[2], "parameter"):
        return WrittenCall("invoke", match[2], name=match[1].strip())
    return WrittenCall("invoke", dict(_INVOKE_PARAMETER.findall(match[2])), name=match[1].strip())


def _is_cut(text: str, mark: str) -> bool:
    """Tell whether the last of these elements is not closed."""
    return text.rfind(f"<{mark}") > text.rfind(f"</{mark}>")


def _read_deepseek(match: re.Match[str]) -> WrittenCall:
    head, separator, payload = match[1].partition("<|tool_sep|>")
    if not separator:
        return WrittenCall("deepseek", unfenced(match[1]))
    if head.strip() == "function" and not payload.lstrip().startswith(
        ("{", "[")
    ):  # type, then name and fence
        head, _, payload = payload.partition("\n")
    return WrittenCall("deepseek", unfenced(payload) or "{}", name=head.strip())


def _read_kimi(match: re.Match[str]) -> WrittenCall:
    return WrittenCall("kimi", unfenced(match[2]) or "{}", name=re.sub(r":\d+\s*\Z", "", match[1].strip()))


def _read_mistral(match: re.Match[str]) -> WrittenCall:
    named = re.match(
        r"\s*([A-Za-z_][\w.\-]*)\s*(?:\[CALL_ID\]\w*)?\s*(?:\[ARGS\])?\s*(?=\{|\[ARGS\]|\Z)", match[1]
    )
    if named:
        return WrittenCall("mistral", unfenced(match[1][named.end() :]) or "{}", name=named[1])
    return WrittenCall("mistral", unfenced(match[1]))


def _plain(name: str) -> Reader:
    """Return a reader for marks with the whole call between them."""
    return lambda match: WrittenCall(name, unfenced(match[1]))


_FUNCTION = re.compile(r"<function=([^>]+)>(.*?)(?:</function>|(?=<function=)|\Z)", re.DOTALL)

# Kimi before DeepSeek: the begin mark is the same.
_FORMATS: tuple[tuple[re.Pattern[str], Reader], ...] = tuple(
    (re.compile(pattern, re.DOTALL), reader)
    for pattern, reader in (
        (
            r"<(?:\|?tool_call\|?|function_call)>(.*?)(?:</?(?:\|?tool_call\|?|function_call)>|<\|im_end\|>|\Z)",
            _read_hermes,
        ),
        (_FUNCTION.pattern, _read_function),
        (r"<\|python_tag\|>(.*?)(?:<\|eom_id\|>|<\|eot_id\|>|\Z)", _plain("llama")),
        (
            r"<\|tool_call_begin\|>([^<]*?)<\|tool_call_argument_begin\|>(.*?)"
            r"(?:<\|tool_call_end\|>|(?=<\|tool_call_begin\|>)|<\|tool_calls_section_end\|>|\Z)",
            _read_kimi,
        ),
        (
            r"<\|tool_call_begin\|>(.*?)(?:<\|tool_call_end\|>|(?=<\|tool_call_begin\|>)|<\|tool_calls_end\|>|\Z)",
            _read_deepseek,
        ),
        (r"\[TOOL_CALLS\](.*?)(?=\[TOOL_CALLS\]|</s>|\Z)", _read_mistral),
        (r"\[unused11\](.*?)(?:\[unused12\]|\Z)", _plain("pangu")),
        (r"<invoke\s+name=[\"']([^\"']+)[\"']\s*>(.*?)(?:</invoke>|(?=<invoke\s)|\Z)", _read_invoke),
        (
            r"(?:<\|start\|>assistant)?(?:<\|channel\|>\w+\s+)?to=functions\.([\w.-]+).*?<\|message\|>(.*?)"
            r"(?:<\|call\|>|<\|end\|>|\Z)",
            lambda match: WrittenCall("gpt-oss", unfenced(match[2]) or "{}", name=match[1]),
        ),
    )
)
