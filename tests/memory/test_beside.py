"""A second core: what is begun beside ends with its result, whoever does the work."""

from __future__ import annotations

import threading

import pytest

from agentcore.memory import _beside
from agentcore.memory._beside import beside


@pytest.fixture(params=[0, 1], ids=["one core", "two cores"])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """So many cores beside the caller's."""
    waiting = _beside._served(request.param) if request.param else None
    monkeypatch.setattr(_beside, "_waiting", lambda: waiting)
    return int(request.param)


@pytest.mark.usefixtures("cores")
def test_the_result_is_that_of_the_call() -> None:
    """Arguments arrive, and the result comes back, on one core as on two."""
    assert beside(divmod, 7, 2)() == (3, 1)


@pytest.mark.usefixtures("cores")
def test_an_error_comes_where_the_result_is_asked_for() -> None:
    """What fails beside fails for the caller, with its own error."""
    result = beside(int, "x")
    with pytest.raises(ValueError, match="invalid literal"):
        result()


def test_work_that_no_core_has_begun_is_done_by_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the other cores are taken, nobody waits for them."""
    waiting = _beside._served(1)
    monkeypatch.setattr(_beside, "_waiting", lambda: waiting)
    begun, ended = threading.Event(), threading.Event()
    taken = beside(lambda: begun.set() or ended.wait())
    assert begun.wait(timeout=60)
    assert beside(threading.get_ident)() == threading.get_ident()
    ended.set()
    assert taken()
