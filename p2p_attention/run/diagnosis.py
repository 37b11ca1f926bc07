"""From what happened to what is wrong with it."""

from __future__ import annotations

from ..attention.phase import Phase
from ..edits.self_attention import SelfAttention
from ..errors import EditError, NothingActedError, Part
from .call_log import CallLog
from .reading import Reading


def check_call(log: CallLog, phase: Phase, reading: Reading, injection: SelfAttention, keeps: bool = False) -> None:
    """A call of the model is over. Raises NothingActedError if an edit was due in it that could not act, or that it
    `keeps` what is the source's; or EditError for word maps that an area of the picture cannot give.
    """
    maps = reading.maps
    if log.present and (phase.acts or maps or keeps) and log.layers == 0:
        raise NothingActedError(
            "the model never reached the attention hooks, so no edit could act. Another node replaces this model's "
            "attention or skips the model in this step",
            "Remove it from the edited model.",
            Part.CONTROLLER,
        )
    if phase.injects_self and log.tiled and not any(log.injected):
        raise NothingActedError(
            "another node tiles or merges self-attention (HyperTile, ToMe), so the source's cannot be used",
            "Remove it, connect it after the Controller, or set self_end_percent to 0.",
            Part.CONTROLLER,
        )
    if log.injected and not any(log.injected):
        raise NothingActedError(
            f"no self-attention layer of this model is within {injection.resolution} of the latent's size",
            "Raise self_resolution, or set self_end_percent to 0.",
            Part.CONTROLLER,
        )
    if log.area and maps.missing and not maps.grids:
        raise EditError(
            f"the pair's prompts apply to an area of {log.area[1]}×{log.area[0]} only, where words have no map of the "
            "whole picture",
            "Remove the area.",
            reading.asked_by,
        )
    if maps.grids and maps.missing and log.size:
        sizes = ", ".join(f"{height}×{width}" for height, width in sorted(maps.grids))
        raise NothingActedError(
            f"this model's cross-attention layers are of {sizes}, none is {maps.missing[0]} of the latent's "
            f"{log.size[0]}×{log.size[1]}",
            "Choose another map_resolution.",
            reading.asked_by,
        )


def check_run(log: CallLog, reading: Reading, never_renormalised: bool, never_kept: bool = False) -> None:
    """The run is over. Raises NothingActedError if edits were due but the pair's rows never came by, or word maps or
    sums to renormalise by are missing, or what should keep values had no call to do so.
    """
    if log.due and log.edits == 0:
        raise NothingActedError(
            "the pair's rows never reached the model, so no edit acted",
            f"Connect the positive output of {Part.ENCODE} to the sampler without a timestep range that leaves the "
            "windows out.",
            Part.CONTROLLER,
        )
    if reading.maps.missing:
        raise NothingActedError(
            "no cross-attention to the pair's prompts was seen. Another node replaces this model's cross-attention (as "
            "IPAdapter does)",
            "Remove it, or blend by a mask only.",
            reading.asked_by,
        )
    if never_kept:
        raise NothingActedError(
            "keep is 'values', and the mask was only known after the last step, so nothing was kept",
            "Sample more steps, connect a mask, or choose 'latent'.",
            Part.BLEND,
        )
    if never_renormalised and log.edits:
        raise NothingActedError(
            "another node changes this model's cross-attention, so the maps could not be renormalised",
            "Remove it, or switch renormalise off.",
            Part.REWEIGHT,
        )
