"""The slash commands. None of them is ever sent to a model."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agentcore.cli._render import answer_text, plain
from agentcore.cli.repl._state import ReplState
from agentcore.cli.repl._transcript import conversations

__all__ = ["COMMANDS", "SlashCommand", "run_command"]


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """One command: what may follow it, what it does, and the function that does it."""

    usage: str
    help: str
    function: Callable[[ReplState, str], None]


def run_command(state: ReplState, line: str) -> None:
    """Run a line that begins with a slash; an unknown name is answered with the nearest."""
    name, _, rest = line[1:].partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        state.say(
            f"no command /{plain(name)}: " + (f"did you mean /{near[0]}?" if near else "/help lists them")
        )
        return
    command.function(state, rest.strip())


def _help(state: ReplState, _: str) -> None:
    for name, command in COMMANDS.items():
        state.say(f"{f'/{name} {command.usage}'.strip():24} {command.help}")
    state.say("Enter sends, Alt-Enter begins a new line, Tab completes")
    state.say("Ctrl-C stops a turn, twice leaves; Ctrl-D leaves")


def _model(state: ReplState, name: str) -> None:
    if name:
        from agentcore import load_backbone

        load_backbone(name)  # tells a wrong name, and the model stays; the next turn loads the weights
        state.agent.change(backbone=name)
    state.say(f"model: {state.agent.settings.backbone}")
    if not name:
        from agentcore.models import catalogue, path_of

        for model in catalogue():
            path = path_of(model.name)
            if model.kind == "llm" and path is not None:
                state.say(f"  gguf:{path}")
        state.say("  /model local | gguf:/path/to/model.gguf | openai:model@base_url")


def _corpus(state: ReplState, folder: str) -> None:
    if folder:
        path = Path(folder).expanduser()
        if not path.is_dir():
            state.say(f"{folder} is no folder: name one that holds documents")
            return
        state.agent.change(corpus=path)
    corpus = state.agent.settings.corpus
    state.say(f"corpus: {corpus}" if corpus else "no corpus: /corpus DIR names one")


def _memory(state: ReplState, query: str) -> None:
    from agentcore.memory import SwiftMem

    settings = state.agent.settings
    if not settings.memory.exists():
        state.say(f"nothing is remembered yet ({settings.memory})")
        return
    with SwiftMem(settings.memory) as memory:
        if query:
            found = [
                (hit.timestamp, hit.text) for hit in memory.search(query, user_id=settings.user, limit=8)
            ]
        else:
            found = [(record.timestamp, record.text) for record in memory.get_all(user_id=settings.user)[-8:]]
    state.say(f"memory of {settings.user!r}: {settings.memory}")
    for timestamp, text in found:
        state.say(f"  {timestamp:%Y-%m-%d %H:%M}  {plain(' '.join(text.split()))[:100]}")


def _tools(state: ReplState, _: str) -> None:
    from agentcore.corpus import Corpus

    settings = state.agent.settings
    if settings.corpus is None:
        state.say("no tools: /corpus DIR gives the agent documents to search and read")
        return
    with Corpus.open(settings.corpus, settings.memory) as corpus:
        for tool in corpus.tools():
            state.say(f"{tool.name}: {tool.description}{' (untrusted result)' if tool.untrusted else ''}")


def _budget(state: ReplState, text: str) -> None:
    words = text.split()
    names = ("tokens", "calls", "seconds")
    if len(words) == 2 and words[0] in names:
        limit = None if words[1] in {"none", "off"} else words[1]
        state.agent.change(**{f"max_{words[0]}": limit})
    elif words:
        state.say("/budget [tokens|calls|seconds NUMBER|off]")
        return
    values = {name: getattr(state.agent.settings, f"max_{name}") for name in names}
    state.say(
        "budget of a turn: " + ", ".join(f"{name} {value or 'no limit'}" for name, value in values.items())
    )


def _trim(state: ReplState, text: str) -> None:
    if text:
        if text not in {"on", "off"}:
            state.say("/trim [on|off]")
            return
        state.agent.change(trim=text == "on")
    is_on = state.agent.settings.trim
    state.say(
        f"trimming of a reasoning model's thinking: {'on, each cut is told in a line' if is_on else 'off'}"
    )


def _cost(state: ReplState, _: str) -> None:
    totals: dict[str, float] = {}
    for turn in state.transcript.turns:
        for name, value in (turn["result"].get("usage") or {}).items():
            totals[name] = totals.get(name, 0) + value
    if not totals:
        state.say("nothing used yet")
        return
    state.say(
        f"{len(state.transcript.turns)} turns: "
        + ", ".join(f"{name} {value:g}" for name, value in totals.items())
    )


def _save(state: ReplState, name: str) -> None:
    if not state.transcript.turns:
        state.say("nothing to save yet")
        return
    path = Path(name or f"{state.transcript.name}.md").expanduser()
    if path.exists():
        state.say(f"{path} exists: choose another name")
        return
    path.write_text(state.transcript.as_markdown(), encoding="utf-8")
    state.say(f"saved to {path}")


def _resume(state: ReplState, name: str) -> None:
    if name:
        state.resume(name)
        return
    kept = [
        entry for entry in conversations(state.conversations_folder) if entry.path != state.transcript.path
    ]
    if not kept:
        state.say("no earlier conversation")
    for number, transcript in enumerate(kept[:20], start=1):
        first = plain(str(transcript.turns[0]["question"]))[:60] if transcript.turns else "(empty)"
        state.say(f"{number:3}  {transcript.name}  {len(transcript.turns)} turns  {first}")
    if kept:
        state.say("/resume NAME goes on with one")


def _why(state: ReplState, _: str) -> None:
    if not state.transcript.turns:
        state.say("ask something first")
        return
    result = state.transcript.turns[-1]["result"]
    for line in state.last_lines:
        state.say(line)
    if result.get("status") == "interrupted":
        state.say(f"stopped before it had an answer: {plain(str(result['answer']))}")
        if result.get("run_id"):
            state.say(f"`agentcore runs resume {result['run_id']}` goes on")
        return
    state.say(answer_text(result))
    if path := result.get("report_path"):
        state.say(f"report: {path}")


def _quit(state: ReplState, _: str) -> None:
    state.is_leaving = True


COMMANDS: dict[str, SlashCommand] = {
    "help": SlashCommand("", "this list", _help),
    "model": SlashCommand("[NAME]", "show or change the model", _model),
    "memory": SlashCommand("[QUERY]", "what is remembered", _memory),
    "corpus": SlashCommand("[DIR]", "show or change the documents", _corpus),
    "tools": SlashCommand("", "what the agent can use", _tools),
    "budget": SlashCommand("[NAME NUMBER]", "show or change the limits of a turn", _budget),
    "trim": SlashCommand("[on|off]", "show or change thought trimming", _trim),
    "cost": SlashCommand("", "tokens, calls and seconds so far", _cost),
    "save": SlashCommand("[FILE]", "write the conversation as Markdown", _save),
    "resume": SlashCommand("[NAME]", "list conversations, go on with one", _resume),
    "why": SlashCommand("", "how the last answer came about", _why),
    "quit": SlashCommand("", "leave", _quit),
}
