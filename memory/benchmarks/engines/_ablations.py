"""SwiftMem with one part missing, under a name of its own: what each part is worth, in the same run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentcore.memory.ranking import FULL, Profile, RankingConfig

__all__ = ["ABLATIONS", "Ablation"]


@dataclass(frozen=True, slots=True)
class Ablation:
    """Options of `SwiftMem.search`, and whether records are tagged and laid out by cluster before."""

    profile: Profile | RankingConfig = "full"
    routes: tuple[str, ...] = ("temporal", "tags", "ann")
    consolidate: bool = True

    @property
    def search(self) -> Mapping[str, Any]:
        """Return the options of a search."""
        return {"profile": self.profile, "routes": self.routes}


ABLATIONS: Mapping[str, Ablation] = {
    # the indexes: they choose what is scored, so they act where a user has more than some 20,000 records
    "swiftmem-consolidated": Ablation(),
    "swiftmem-no-temporal": Ablation(routes=("tags", "ann")),
    "swiftmem-no-tags": Ablation(routes=("temporal", "ann")),
    "swiftmem-no-consolidation": Ablation(consolidate=False),
    "swiftmem-exact": Ablation(routes=(), consolidate=False),
    # the ranking
    "swiftmem-no-dates": Ablation(
        replace(FULL, date=0.0, when_time=0.0, shortlist_date=0.0), consolidate=False
    ),
    "swiftmem-no-speaker": Ablation(replace(FULL, speaker=0.0, shortlist_speaker=0.0), consolidate=False),
    "swiftmem-no-neighbours": Ablation(
        replace(FULL, neighbours=0.0, answered=0.0, shortlist_neighbours=0.0), consolidate=False
    ),
    "swiftmem-no-session": Ablation(replace(FULL, session=0.0), consolidate=False),
    "swiftmem-fast": Ablation("fast", consolidate=False),
}
"""By the names that `--compare` knows."""
