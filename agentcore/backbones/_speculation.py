"""Speculative decoding of the local backbone: what a user may ask for, and one speculator per engine and wish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from agentcore._numbers import check_count, check_number
from agentcore.backbones._engines import resolve_path, shared_engine
from agentcore.backbones._translation import translated
from agentcore.errors import ConfigurationError

if TYPE_CHECKING:
    from agentcore.decoding import LanguageModel
    from agentcore.decoding.speculation import RecurrentHead, Speculator

__all__ = ["SpeculationOptions", "speculator_for"]

_KEYS = ("methods", "judge", "max_draft", "draft_model", "head")


@dataclass(frozen=True, slots=True)
class SpeculationOptions:
    """How the local backbone drafts.

    Attributes
    ----------
    methods : tuple of str
        Names of drafting methods, or ``("auto",)``.
    judge : float or "auto"
        Threshold in nats, "auto" for the one that is shipped for the model's layout and drafter; above 0 free text may differ
        from plain decoding.
    max_draft : int
        Longest draft.
    draft_model : str or None
        Another backbone name (``"gguf:/path"`` or a catalogue name) for the method "draft_model"; by default the model's own
        file in four bits, where it runs in a dearer layout.
    head : str or None
        File of a trained head for the method "recurrent"; by default the packaged one, where there is one for the model.
    """

    methods: tuple[str, ...] = ("auto",)
    judge: float | Literal["auto"] = 0.0
    max_draft: int = 12
    draft_model: str | None = None
    head: str | None = None

    def __post_init__(self) -> None:
        if self.judge != "auto":
            check_number("judge", self.judge, least=0, cure=' nats, or "auto"')
        check_count("max_draft", self.max_draft, least=1)
        if not isinstance(self.draft_model, (str, type(None))):
            raise ConfigurationError(f"draft_model must be a backbone's name, got {self.draft_model!r}")
        if not isinstance(self.head, (str, type(None))):
            raise ConfigurationError(f"head must be the path of a file, got {self.head!r}")

    @classmethod
    def parse(cls, wish: bool | str | Sequence[str] | Mapping[str, Any] | None) -> SpeculationOptions | None:
        """Read ``None``, ``False`` or "off" (no speculation), ``True`` or "auto", method names, or a mapping of options.

        Raises
        ------
        ConfigurationError
            If a mapping has an unknown key, or a value that cannot be meant.
        """
        if wish is None or wish is False or wish == "off":
            return None
        if wish is True:
            return cls()
        if isinstance(wish, str):
            return cls(tuple(part.strip() for part in wish.split(",")))
        if isinstance(wish, Mapping):
            unknown = sorted(set(wish) - set(_KEYS))
            if unknown:
                raise ConfigurationError(f"unknown speculation option {unknown[0]!r}: use {', '.join(_KEYS)}")
            methods = wish.get("methods", "auto")
            named = methods.split(",") if isinstance(methods, str) else methods
            if not isinstance(named, Sequence):
                raise ConfigurationError(f"methods must be names, got {methods!r}")
            return cls(**{**wish, "methods": tuple(str(name).strip() for name in named)})
        return cls(tuple(wish))


@lru_cache(maxsize=8)
def speculator_for(model: LanguageModel, options: SpeculationOptions) -> Speculator:
    """Return the speculator of a loaded model, shared by every chat model with the same wish.

    Raises
    ------
    ConfigurationError
        If a method or the drafting model is unknown, or does not fit the model.
    """
    from agentcore.decoding.speculation import Speculator, judge_threshold

    draft_model: LanguageModel | None = None
    if options.draft_model is not None:
        draft_model = shared_engine(resolve_path(options.draft_model), device=str(model.device))
    elif {"auto", "draft_model"} & {*options.methods}:
        draft_model = _cheaper_layout(model)
    judge = options.judge
    if judge == "auto":
        judge = judge_threshold(model.layout, by_another_model=options.draft_model is not None)
    with translated():
        try:
            return Speculator(
                model,
                methods=options.methods,
                judge=judge,
                max_draft=options.max_draft,
                draft_model=draft_model,
                head=_head(model, options),
            )
        except ValueError as exc:
            raise ConfigurationError(str(exc)) from exc


def _head(model: LanguageModel, options: SpeculationOptions) -> RecurrentHead | None:
    from agentcore.decoding.speculation import HeadWeights, RecurrentHead, shipped_head

    if not {"auto", "recurrent"} & {*options.methods}:
        return None
    if options.head is not None:
        return RecurrentHead(HeadWeights.load(options.head), model)
    return shipped_head(model)


def _cheaper_layout(model: LanguageModel) -> LanguageModel | None:
    """Return the model's own file in four bits, None where it already runs so or this machine cannot."""
    if model.path is None or model.layout not in ("int8", "bf16") or model.device.type != "cpu":
        return None
    cheaper = shared_engine(model.path, weights="int4")
    return cheaper if cheaper.layout == "int4" else None
