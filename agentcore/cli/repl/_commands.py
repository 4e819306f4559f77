"""The slash commands. None of them is ever sent to a model."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentcore.cli._render import answer_text, plain

if TYPE_CHECKING:
    from agentcore.cli.repl._loop import Repl

__all__ = ["COMMANDS", "SlashCommand", "run_command"]


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """One command: what may follow it, what it does, and the function that does it."""

    usage: str
    help: str
    function: Callable[[Repl, str], None]


def run_command(repl: Repl, line: str) -> None:
    """Run a line that begins with a slash; an unknown name is answered with the nearest."""
    name, _, rest = line[1:].partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        repl.say(
            f"no command /{plain(name)}: " + (f"did you mean /{near[0]}?" if near else "/help lists them")
        )
        return
    command.function(repl, rest.strip())


def _help(repl: Repl, _: str) -> None:
    for name, command in COMMANDS.items():
        repl.say(f"{f'/{name} {command.usage}'.strip():24} {command.help}")
    repl.say("Enter sends, Alt-Enter begins a new line, Ctrl-C stops a turn, twice leaves, Ctrl-D leaves")


def _model(repl: Repl, name: str) -> None:
    if name:
        repl.agent.change(backbone=name)
    repl.say(f"model: {repl.agent.settings.backbone}")
    if not name:
        from agentcore.models import catalogue, path_of

        for model in catalogue():
            path = path_of(model.name)
            if model.kind == "llm" and path is not None:
                repl.say(f"  gguf:{path}")
        repl.say("  /model local | gguf:/path/to/model.gguf | openai:model@base_url")


def _corpus(repl: Repl, folder: str) -> None:
    if folder:
        path = Path(folder).expanduser()
        if not path.is_dir():
            repl.say(f"{folder} is no folder: name one that holds documents")
            return
        repl.agent.change(corpus=path)
    corpus = repl.agent.settings.corpus
    repl.say(f"corpus: {corpus}" if corpus else "no corpus: /corpus DIR names one")


def _memory(repl: Repl, query: str) -> None:
    from agentcore.memory import SwiftMem

    settings = repl.agent.settings
    if not settings.memory.exists():
        repl.say(f"nothing is remembered yet ({settings.memory})")
        return
    with SwiftMem(settings.memory) as memory:
        if query:
            found = [
                (hit.timestamp, hit.text) for hit in memory.search(query, user_id=settings.user, limit=8)
            ]
        else:
            found = [(record.timestamp, record.text) for record in memory.get_all(user_id=settings.user)[-8:]]
    repl.say(f"memory of {settings.user!r}: {settings.memory}")
    for timestamp, text in found:
        repl.say(f"  {timestamp:%Y-%m-%d %H:%M}  {plain(' '.join(text.split()))[:100]}")


def _tools(repl: Repl, _: str) -> None:
    from agentcore.corpus import Corpus

    settings = repl.agent.settings
    if settings.corpus is None:
        repl.say("no tools: /corpus DIR gives the agent documents to search and read")
        return
    with Corpus.open(settings.corpus, settings.memory) as corpus:
        for tool in corpus.tools():
            repl.say(f"{tool.name}: {tool.description}{' (untrusted result)' if tool.untrusted else ''}")


def _budget(repl: Repl, text: str) -> None:
    words = text.split()
    names = ("tokens", "calls", "seconds")
    if len(words) == 2 and words[0] in names:
        limit = None if words[1] in {"none", "off"} else words[1]
        repl.agent.change(**{f"max_{words[0]}": limit})
    elif words:
        repl.say("/budget [tokens|calls|seconds NUMBER|off]")
        return
    values = {name: getattr(repl.agent.settings, f"max_{name}") for name in names}
    repl.say(
        "budget of a turn: " + ", ".join(f"{name} {value or 'no limit'}" for name, value in values.items())
    )


def _trim(repl: Repl, text: str) -> None:
    if text:
        if text not in {"on", "off"}:
            repl.say("/trim [on|off]")
            return
        repl.agent.change(trim=text == "on")
    is_on = repl.agent.settings.trim
    repl.say(
        f"trimming of a reasoning model's thinking: {'on, each cut is told in a line' if is_on else 'off'}"
    )


def _cost(repl: Repl, _: str) -> None:
    totals: dict[str, float] = {}
    for turn in repl.transcript.turns:
        for name, value in (turn["result"].get("usage") or {}).items():
            totals[name] = totals.get(name, 0) + value
    if not totals:
        repl.say("nothing used yet")
        return
    repl.say(
        f"{len(repl.transcript.turns)} turns: "
        + ", ".join(f"{name} {value:g}" for name, value in totals.items())
    )


def _save(repl: Repl, name: str) -> None:
    if not repl.transcript.turns:
        repl.say("nothing to save yet")
        return
    path = Path(name or f"{repl.transcript.name}.md").expanduser()
    if path.exists():
        repl.say(f"{path} exists: choose another name")
        return
    path.write_text(repl.transcript.as_markdown(), encoding="utf-8")
    repl.say(f"saved to {path}")


def _resume(repl: Repl, name: str) -> None:
    if name:
        repl.resume(name)
        return
    from agentcore.cli.repl._transcript import conversations

    kept = [entry for entry in conversations(repl.conversations_folder) if entry.path != repl.transcript.path]
    if not kept:
        repl.say("no earlier conversation")
    for number, transcript in enumerate(kept[:20], start=1):
        first = plain(str(transcript.turns[0]["question"]))[:60] if transcript.turns else "(empty)"
        repl.say(f"{number:3}  {transcript.name}  {len(transcript.turns)} turns  {first}")
    if kept:
        repl.say("/resume NAME goes on with one")


def _why(repl: Repl, _: str) -> None:
    if not repl.transcript.turns:
        repl.say("ask something first")
        return
    turn = repl.transcript.turns[-1]
    for line in repl.last_lines:
        repl.say(line)
    repl.say(answer_text(turn["result"]))
    path = turn["result"].get("report_path")
    if path:
        repl.say(f"report: {path}")


def _quit(repl: Repl, _: str) -> None:
    repl.leave()


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
