"""What can go wrong in the runtime, as one tree.

::

    AgentError
    ├── ConfigurationError        (ValueError)   a setting or an argument cannot be used
    │   ├── UnknownBackboneError                 no such backbone
    │   └── MissingExtraError                    an optional part is not installed
    ├── MissingModelError                        the weights are not on this machine
    ├── CorpusError                              the documents cannot be read or indexed
    ├── BudgetExceededError                      a limit of the run is reached (control flow)
    ├── RunError
    │   ├── RunNotFoundError      (KeyError)     no run of that name
    │   ├── RunBusyError                         another process is working on the run
    │   ├── RunCancelledError                    its caller stopped the run; it can be resumed (control flow)
    │   └── RunStorageError                      the run cannot be written down, or is damaged
    ├── WorkspaceError            (ValueError)   a path outside the run's folder
    ├── ModelFailedError                         a call of the model failed
    └── ModelOutputError                         the model's text is not what was asked for

Every message is one line and ends with what to do about it.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AgentError",
    "BudgetExceededError",
    "ConfigurationError",
    "CorpusError",
    "MissingExtraError",
    "MissingModelError",
    "ModelFailedError",
    "ModelOutputError",
    "RunBusyError",
    "RunCancelledError",
    "RunError",
    "RunNotFoundError",
    "RunStorageError",
    "UnknownBackboneError",
    "WorkspaceError",
]


class AgentError(Exception):
    """Root of everything the runtime raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Rebuilt from what it says, whatever its class is made of: so it reaches the caller of another process.
        return _again, (type(self), self.args), self.__dict__


class ConfigurationError(AgentError, ValueError):
    """A setting or an argument cannot be used."""


class UnknownBackboneError(ConfigurationError):
    """No backbone answers to that name.

    Parameters
    ----------
    backbone : str
        What was asked for.
    known : sequence of str
        What could be asked for.
    """

    def __init__(self, backbone: str, *, known: tuple[str, ...] = ()) -> None:
        choices = f": use one of {', '.join(known)}" if known else ""
        super().__init__(f"unknown backbone {backbone!r}{choices}")
        self.backbone = backbone


class MissingExtraError(ConfigurationError):
    """An optional part of the distribution is not installed."""

    def __init__(self, extra: str, *, what: str) -> None:
        super().__init__(f"{what} needs the extra {extra!r}: pip install 'agentcore-runtime[{extra}]'")
        self.extra = extra


class MissingModelError(AgentError):
    """The weights of a model are not on this machine."""

    def __init__(self, model: str) -> None:
        super().__init__(f"the model {model!r} is not on this machine: run `agentcore models pull {model}`")
        self.model = model


class CorpusError(AgentError):
    """The documents cannot be read or indexed."""


class BudgetExceededError(AgentError):
    """A limit of the run is reached; the run ends with what it has.

    Parameters
    ----------
    limit : str
        Which one: ``"tokens"``, ``"calls"`` or ``"seconds"``.
    allowed, spent : float
        The limit and what was used of it when the next call was refused.
    """

    def __init__(self, limit: str, *, allowed: float, spent: float) -> None:
        super().__init__(f"the budget of {allowed:g} {limit} is used up ({spent:g} spent): raise max_{limit}")
        self.limit = limit
        self.allowed = allowed
        self.spent = spent


class RunError(AgentError):
    """A run cannot be started, read or continued."""


class RunNotFoundError(RunError, KeyError):
    """No run of that name was recorded."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"no run {run_id!r} is recorded: `agentcore runs list` shows the runs there are")
        self.run_id = run_id

    def __str__(self) -> str:
        return str(self.args[0])


class RunBusyError(RunError):
    """Another process is working on the run."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id!r} is being worked on by another process: wait for it or stop it")
        self.run_id = run_id


class RunCancelledError(RunError):
    """The run was stopped by its caller; resuming it goes on."""


class RunStorageError(RunError):
    """The run cannot be written down (disk full, no permission, broken file)."""


class WorkspaceError(AgentError, ValueError):
    """A path outside the run's folder, or one that cannot be written."""


class ModelFailedError(AgentError):
    """A call of the model failed (server gone, out of memory, a bug in a model of one's own).

    Parameters
    ----------
    model : str
        Whose call it was.
    reason : str
        What went wrong, in one line.
    """

    def __init__(self, model: str, *, reason: str) -> None:
        super().__init__(f"the model {model!r} failed: {reason}; try again, or choose another backbone")
        self.model = model


class ModelOutputError(AgentError):
    """The model's text is not what was asked for, and could not be repaired."""


def _again(kind: type[AgentError], args: tuple[Any, ...]) -> AgentError:
    """Make an error anew without asking its class for anything."""
    return kind.__new__(kind, *args)
