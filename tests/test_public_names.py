"""What users may import is written down and really there."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = sorted(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_resolves(package: str) -> None:
    """A name in ``__all__`` can be imported, also through a lazy table (the linter keeps the list sorted)."""
    module = importlib.import_module(package)
    missing = [name for name in getattr(module, "__all__", []) if not hasattr(module, name)]
    assert not missing


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_offers_a_name_it_does_not_list(package: str) -> None:
    """What ``from package import name`` gives without an underscore is either listed or a sub-module."""
    module = importlib.import_module(package)
    listed = set(getattr(module, "__all__", []))
    extra = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and name not in listed
        and name not in {"annotations", "Any", "import_module", "version", "TYPE_CHECKING"}
        and getattr(value, "__name__", "").rpartition(".")[0] != package
    }
    assert not extra
