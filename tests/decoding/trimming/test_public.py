"""The public surface of trimming."""

from __future__ import annotations

import subprocess
import sys

from agentcore.decoding import trimming


def test_all_names_are_there_and_sorted_within_their_kind() -> None:
    """Every promised name exists, and no public name is missing from the list."""
    visible = {
        name for name, value in vars(trimming).items() if not name.startswith("_") and name != "annotations"
    }
    modules = {name for name in visible if type(getattr(trimming, name)).__name__ == "module"}
    assert set(trimming.__all__) == visible - modules
    assert len(trimming.__all__) == len(set(trimming.__all__))


def test_trimming_needs_no_heavy_package() -> None:
    """The import loads no torch, no LangChain, no computer algebra."""
    code = (
        "import sys, agentcore.decoding.trimming; "
        "print([name for name in ('torch', 'langchain_core', 'langgraph', 'sympy', 'math_verify', 'openai') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
