"""What nodes after the sampler ask about the run that made a latent."""

from __future__ import annotations

from typing import Any

import torch

from ..node_names import BLEND_NODE, CONTROLLER_NODE, MAPS_NODE, MASK_NODE, WATCH_NODE
from ..run.record import Findings, Heat, Record

RECORD = "p2p_record"


def blend_masks(latent: dict[str, Any]) -> torch.Tensor:
    """The local blend's masks [targets, H, W] of the run that made a latent, in the picture's size.

    Raises ValueError for a latent that no run with a local blend made.
    """
    found = findings(latent, MASK_NODE)
    if found is None or found.masks is None:
        raise ValueError(
            f"{MASK_NODE}: these samples are not those of a run with a local blend. Connect the sampler's own output, "
            f"of a model and latent from {CONTROLLER_NODE}, with a {BLEND_NODE} in the edit."
        )
    return torch.nn.functional.interpolate(found.masks, scale_factor=found.scale, mode="bilinear")[:, 0]


def word_heats(latent: dict[str, Any]) -> tuple[Heat, ...]:
    """The attention to the watched words in the run that made a latent; ValueError for one that no such run made."""
    found = findings(latent, MAPS_NODE)
    if found is None or not found.heats:
        raise ValueError(
            f"{MAPS_NODE}: these samples are not those of a run with watched words. Connect the sampler's own output, "
            f"of a model and latent from {CONTROLLER_NODE}, with a {WATCH_NODE} in the edit."
        )
    return found.heats


def findings(latent: dict[str, Any], node: str) -> Findings | None:
    """What the run that made a latent left; ValueError, naming the node, if that may have been dropped since."""
    record: Record | None = latent.get(RECORD)
    found = record.of(latent["samples"]) if record else None
    if found is None and record and record.dropped:
        raise ValueError(
            f"{node}: the run that made these samples is none of the last {len(record)} of its {CONTROLLER_NODE}, "
            "whose findings are kept. Change the sampler's seed, so that it runs again."
        )
    return found
