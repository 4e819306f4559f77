"""`agentcore doctor`: what works on this machine, and the cure for what does not."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import click

from agentcore.cli._exit import ExitCode

_LOCAL_EXTRA = ("torch", "gguf", "llguidance", "jinja2")
_KEYS = ("OPENAI_API_KEY",)
_LOW_DISK_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `cure` is empty when nothing need be done."""

    name: str
    state: Literal["ok", "missing", "broken"]
    detail: str
    cure: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool) -> int:
    """Check this installation and name the cures. Exit code 1 when something is broken."""
    findings = [*_python(), *_extras(), *_models(), *_files(), *_keys()]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            cure = f"  -> {finding.cure}" if finding.cure else ""
            click.echo(f"{finding.state:8} {finding.name:16} {finding.detail}{cure}")
    return ExitCode.FAILED if any(finding.state == "broken" for finding in findings) else ExitCode.DONE


def _python() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.platform()}, {cores} cores")
    yield Finding("agentcore", "ok", f"{version('agentcore-runtime')} in {Path(__file__).parents[1]}")
    shadowed = [name for name in ("agentcore.py", "agentcore") if (Path.cwd() / name).exists()]
    if shadowed and Path(__file__).parents[1] != Path.cwd() / "agentcore":
        cure = "rename it, or start scripts from elsewhere"
        yield Finding("shadowing", "missing", f"./{shadowed[0]} hides the package from scripts here", cure)
    try:
        with sqlite3.connect(":memory:") as connection:
            connection.execute("CREATE VIRTUAL TABLE probe USING fts5(text)")
        connection.close()
        yield Finding("sqlite", "ok", f"{sqlite3.sqlite_version} with full-text search")
    except sqlite3.OperationalError:
        cure = "use a Python whose sqlite3 has FTS5"
        yield Finding("sqlite", "broken", f"{sqlite3.sqlite_version} without full-text search", cure)


def _extras() -> Iterator[Finding]:
    absent = [name for name in _LOCAL_EXTRA if _installed(name) is None]
    if absent:
        cure = "pip install 'agentcore-runtime[local]'"
        yield Finding(
            "extra local", "missing", f"no {', '.join(absent)}: the local backbone cannot run", cure
        )
    else:
        yield Finding("extra local", "ok", ", ".join(f"{name} {_installed(name)}" for name in _LOCAL_EXTRA))
    if _installed("pip") is None:
        cure = f"{sys.executable} -m ensurepip"
        yield Finding("pip", "missing", "cannot pull the packaged models", cure)


def _models() -> Iterator[Finding]:
    from agentcore.models import path_of

    for name in ("smollm2", "minilm"):
        found = path_of(name)
        if found is None:
            yield Finding(f"model {name}", "missing", "not pulled", f"agentcore models pull {name}")
        else:
            yield Finding(f"model {name}", "ok", str(found))


def _files() -> Iterator[Finding]:
    from agentcore.config import load_settings

    settings = load_settings().settings
    for name, path in (("memory", settings.memory), ("runs", settings.runs)):
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if reason := _why_unwritable(path, folder):
            cure = f"set AGENTCORE_{name.upper()} to a file that can be written"
            yield Finding(name, "broken", f"{path} cannot be written ({reason})", cure)
        elif shutil.disk_usage(folder).free < _LOW_DISK_BYTES:
            yield Finding(name, "missing", f"less than 1 GB free for {path}", "free some space")
        else:
            size = f"{path.stat().st_size / 1e6:.1f} MB" if path.exists() else "not written yet"
            yield Finding(name, "ok", f"{path} ({size})")


def _why_unwritable(path: Path, folder: Path) -> str:
    """Try to write where a file is or will be; permissions alone do not tell of a read-only disk."""
    try:
        if path.exists():
            path.open("r+b").close()
        else:
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as exc:
        return exc.strerror or type(exc).__name__
    return ""


def _keys() -> Iterator[Finding]:
    for name in _KEYS:
        yield Finding(
            name, "ok", "set" if os.environ.get(name) else "not set (only remote backbones need it)"
        )


def _installed(distribution: str) -> str | None:
    """Return the installed version of a distribution, without importing it."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
