"""What a run is to do."""

from __future__ import annotations

from dataclasses import dataclass

from ..source.inversion import Inversion
from ..source.virtual import VirtualInversion
from .plan import EditPlan
from .self_attention import SelfAttention


@dataclass(frozen=True)
class Control:
    """An edit plan, its self-attention window, the inversion of the picture if that is a real one, and how many bytes
    of what is computed for sources may be stored for later runs (`source_cache`).
    """

    plan: EditPlan
    self_attention: SelfAttention
    inversion: Inversion | VirtualInversion | None = None
    source_cache: int = 0
