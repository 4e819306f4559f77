"""Settings: four layers, each value with its origin, and no key in any file."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcore.config import load_settings, user_config_file
from agentcore.errors import ConfigurationError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("BACKBONE", "MEMORY", "USER", "CORPUS", "RUNS", "MAX_TOKENS", "MAX_CALLS", "MAX_SECONDS"):
        monkeypatch.delenv(f"AGENTCORE_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    project = tmp_path / "project"
    project.mkdir()
    return project


def write_user_file(text: str) -> Path:
    path = user_config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_each_layer_beats_the_one_below(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--option > AGENTCORE_* > ./agentcore.toml > user file > default, and each origin is named."""

    def user_and_origin(**options: str) -> tuple[str, str]:
        sourced = load_settings(options, directory=home)
        return sourced.settings.user, sourced.origins["user"]

    assert user_and_origin() == ("default", "default")
    user_file = write_user_file('user = "from the user file"')
    assert user_and_origin() == ("from the user file", str(user_file))
    (home / "agentcore.toml").write_text('user = "from the project"')
    assert user_and_origin() == ("from the project", str(home / "agentcore.toml"))
    monkeypatch.setenv("AGENTCORE_USER", "from the environment")
    assert user_and_origin() == ("from the environment", "AGENTCORE_USER")
    assert user_and_origin(user="from the option") == ("from the option", "--user")


def test_paths_in_a_file_are_relative_to_it(home: Path) -> None:
    """A project's file means its own folder, wherever the command is run."""
    (home / "agentcore.toml").write_text('corpus = "docs"\nmemory = "~/m.db"\n')
    settings = load_settings(directory=home).settings
    assert settings.corpus == home / "docs"
    assert settings.memory == Path("~/m.db").expanduser()


def test_environment_values_are_typed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number in the environment is a number, and an empty variable is not set."""
    monkeypatch.setenv("AGENTCORE_MAX_TOKENS", "1200")
    monkeypatch.setenv("AGENTCORE_MAX_SECONDS", "")
    settings = load_settings(directory=home).settings
    assert settings.max_tokens == 1200 and settings.max_seconds is None


@pytest.mark.parametrize(("word", "is_on"), [("on", True), ("1", True), ("off", False), ("no", False)])
def test_a_switch_reads_words(home: Path, monkeypatch: pytest.MonkeyPatch, word: str, is_on: bool) -> None:
    """On and off may be said in the environment's words, and a flag beats them."""
    monkeypatch.setenv("AGENTCORE_TRIM", word)
    assert load_settings(directory=home).settings.trim is is_on
    assert load_settings({"trim": not is_on}, directory=home).settings.trim is not is_on


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("usr = 'x'", "did you mean 'user'"),
        ("max_tokens = -3", "max_tokens = -3 from .*agentcore.toml"),
        ("max_tokens = 'many'", "max_tokens"),
        ("user = ''", "user"),
        ("trim = 'maybe'", "it must be on or off"),
        ("user = [", "cannot be read"),
        ("openai_api_key = 'sk-123'", "keys are read from the environment only"),
    ],
)
def test_a_mistake_in_a_file_names_the_file(home: Path, text: str, message: str) -> None:
    """Every mistake is one line that names where it stands, and never repeats a key."""
    (home / "agentcore.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_settings(directory=home)
    assert "agentcore.toml" in str(caught.value) and "\n" not in str(caught.value)
    assert "sk-123" not in str(caught.value)


def test_a_mistake_in_the_environment_names_the_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The origin of a bad value is told."""
    monkeypatch.setenv("AGENTCORE_MAX_CALLS", "zero")
    with pytest.raises(ConfigurationError, match="AGENTCORE_MAX_CALLS"):
        load_settings(directory=home)
