"""Call a function in a process of its own, which never outlives this one."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, TypeVar

__all__ = ["EndedError", "run_apart"]

Answer = TypeVar("Answer")

_TO_EXIT_S = 5.0


class EndedError(RuntimeError):
    """The process ended without an answer."""


def run_apart(function: Callable[..., Answer], *args: object, seconds: float | None = None) -> Answer:
    """Return what the function returns, called in a fresh process.

    The process watches over this one: when this one is killed, nobody is left who would wait for the answer, and it ends itself at
    once, in the middle of whatever it computes.

    Parameters
    ----------
    function : callable
        Importable by name, as everything that goes to another process.
    seconds : float, optional
        How long the answer may take.

    Raises
    ------
    TimeoutError
        It took longer; the process is gone.
    EndedError
        It died, by an exception or for want of memory.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, function, args))
    process.start()
    theirs.close()
    try:
        if not ours.poll(seconds):
            raise TimeoutError(f"no answer within {seconds:g} s")
        answer: Answer = ours.recv()
        process.join(_TO_EXIT_S)
        return answer
    except EOFError:
        process.join()
        raise EndedError(f"process ended with code {process.exitcode}") from None
    finally:
        if process.is_alive():
            process.kill()
        ours.close()


def _answer(answer: Connection, function: Callable[..., object], args: tuple[Any, ...]) -> None:
    """Call the function and send what it returns."""
    Thread(target=_end_with_parent, daemon=True).start()
    answer.send(function(*args))
    answer.close()


def _end_with_parent() -> None:
    """Wait until the process that started this one is gone, and go too."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
