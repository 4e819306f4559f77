"""What a conversation in the terminal is made of: its agent, its transcript, and where it says things."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from agentcore.cli._console import print_text
from agentcore.cli.repl._agent import AgentHolder
from agentcore.cli.repl._transcript import Transcript, new_conversation, open_conversation
from agentcore.tools.corpus import open_folder

__all__ = ["ReplState"]


class ReplState:
    """What the commands read and change, and the loop acts on.

    Parameters
    ----------
    options : dict
        The command line's options; those not given are None.

    Raises
    ------
    CorpusNotFoundError
        There is no such folder of documents.

    Attributes
    ----------
    console, aside : Console
        Where answers go, and where our own lines go.
    agent : AgentHolder
        The agent and the settings it is built of.
    transcript : Transcript
        The turns so far.
    last_lines : list of str
        What was told of the last turn on its way to the answer.
    is_leaving : bool
        Whether the conversation ends after this line.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self.console = Console(highlight=False)
        self.aside = Console(stderr=True, highlight=False)
        self.agent = AgentHolder(options, self.say)
        if (corpus := self.agent.settings.corpus) is not None:
            open_folder(corpus)  # a wrong name is told before the first prompt, not at the first question
        self.conversations_folder: Path = self.agent.settings.runs.parent / "conversations"
        self.transcript: Transcript = new_conversation(self.conversations_folder)
        self.last_lines: list[str] = []
        self.is_leaving = False

    def say(self, text: str) -> None:
        """Print a line of ours, set off from answers."""
        print_text(self.aside, text, style="dim")

    def resume(self, name: str) -> bool:
        """Go on with an earlier conversation and show its last turn; tell whether there is such a one."""
        found = open_conversation(self.conversations_folder, name)
        if found is None:
            self.say(f"no conversation {name!r}: /resume lists them")
            return False
        self.transcript = found
        self.say(f"resumed {found.name}, {len(found.turns)} turns")
        if found.turns:
            last = found.turns[-1]
            self.say(f"> {last['question']}\n{last['result'].get('answer', '')}")
        return True

    def status(self) -> str:
        """Return model, corpus and use so far, in one line."""
        turns = self.transcript.turns
        tokens = sum(int((turn["result"].get("usage") or {}).get("tokens", 0)) for turn in turns)
        settings = self.agent.settings
        corpus = settings.corpus.name if settings.corpus else "no corpus"
        return f"{settings.backbone} | {corpus} | {len(turns)} turns, {tokens} tokens"
