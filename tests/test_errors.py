"""Errors of every package reach the caller of another process, and copies of them say the same."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from typing import Any

import pytest

from agentcore.memory import RecordNotFoundError

MODULES = (
    "agentcore.errors",
    "agentcore.backbones.errors",
    "agentcore.models.errors",
    "agentcore.memory.errors",
    "agentcore.memory.embedding.errors",
    "agentcore.decoding.errors",
    "agentcore.tools.errors",
)


def _classes() -> Iterator[type[Exception]]:
    for name in MODULES:
        module = import_module(name)
        yield from (
            kind
            for kind in vars(module).values()
            if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__ == name
        )


def _made(kind: type[Exception]) -> Exception:
    """Make an error of a class, with something for whatever it asks for."""
    _, *parameters = inspect.signature(kind.__init__).parameters.values()
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in parameters:
        is_number = any(word in str(parameter.annotation) for word in ("int", "float"))
        value = 3 if is_number else "one"
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = value
        elif parameter.kind is not parameter.VAR_KEYWORD:
            positional.append(value)
    return kind(*positional, **named)


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.__qualname__) for kind in _classes()])
def test_an_error_is_whole_after_a_journey(kind: type[Exception]) -> None:
    """Pickled or copied, an error is of its class, says the same and keeps its fields."""
    error = _made(kind)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind
        assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


def _fail() -> None:
    raise RecordNotFoundError("a7")


def test_an_error_of_a_worker_process_is_raised_at_home() -> None:
    """A pool of processes hands the error on; one that cannot be read back breaks the whole pool."""
    with ProcessPoolExecutor(1) as pool:
        with pytest.raises(RecordNotFoundError, match="'a7'") as caught:
            pool.submit(_fail).result()
        assert caught.value.record_id == "a7"
        assert pool.submit(int, "7").result() == 7
