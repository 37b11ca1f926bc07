"""Words whose maps a run keeps, to be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Watched:
    """Words to watch: their name, their positions in their prompt, and the size of layers to read."""

    name: str
    positions: tuple[int, ...]
    resolution: Fraction
