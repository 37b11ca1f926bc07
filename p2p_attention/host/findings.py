"""What nodes after the sampler ask about the run that made a latent."""

from __future__ import annotations

from typing import Any

import torch

from ..errors import EditError, Part
from ..run.record import Findings, NamedMap, Record

RECORD = "p2p_record"


def blend_masks(latent: dict[str, Any]) -> torch.Tensor:
    """The local blend's masks [targets, H, W] of the run that made a latent, in the picture's size.

    Raises EditError for a latent that no run with a local blend made.
    """
    found = findings(latent, Part.MASK)
    if found is None or found.masks is None:
        raise EditError(
            "these samples are not those of a run with a local blend",
            f"Connect the sampler's own output, of a model and latent from {Part.CONTROLLER}, with a {Part.BLEND} in "
            "the edit.",
            Part.MASK,
        )
    return torch.nn.functional.interpolate(found.masks, scale_factor=found.scale, mode="bilinear")[:, 0]


def watched_maps(latent: dict[str, Any]) -> tuple[NamedMap, ...]:
    """The maps of the watched words in the run that made a latent; EditError for one that no such run made."""
    maps = maps_if_watched(latent, Part.MAPS)
    if not maps:
        raise EditError(
            "these samples are not those of a run with watched words",
            f"Connect the sampler's own output, of a model and latent from {Part.CONTROLLER}, with a {Part.WATCH} in "
            "the edit.",
            Part.MAPS,
        )
    return maps


def maps_if_watched(latent: dict[str, Any], subject: Part) -> tuple[NamedMap, ...]:
    """The maps of the watched words in the run that made a latent, none if no such run made it; EditError, in the name
    of `subject`, if they may have been dropped since.
    """
    found = findings(latent, subject)
    return found.maps if found else ()


def findings(latent: dict[str, Any], subject: Part) -> Findings | None:
    """What the run that made a latent left; EditError, in the name of `subject`, if that may have been dropped
    since.
    """
    record: Record | None = latent.get(RECORD)
    found = record.of(latent["samples"]) if record else None
    if found is None and record and record.dropped:
        raise EditError(
            f"the run that made these samples is none of the last {len(record)} of its {Part.CONTROLLER}, whose "
            "findings are kept",
            "Change the sampler's seed, so that it runs again.",
            subject,
        )
    return found
