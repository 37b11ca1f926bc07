"""A controlled model: a patched clone, and a latent with a row for each source and target."""

from __future__ import annotations

from functools import partial
from typing import Any

import comfy.model_patcher
import torch
from comfy.patcher_extension import WrappersMP

from ..edits.control import Control
from ..edits.presets import PRESETS, Presets
from ..errors import EditError, Part, Spell
from ..run.record import Record
from . import log
from .backbones.base import KEY
from .backbones.registry import backbone_of
from .backbones.unknown import WORKS, why_not
from .compatibility import check_blends, check_latent
from .findings import RECORD
from .sampling import Controlled, apply_model, calc_cond_batch, outer_sample, predict_noise, sampler_sample
from .source_cache import empty_with


def presets_of(model: comfy.model_patcher.ModelPatcher) -> Presets:
    """The windows by name of a model's way of attending; a UNet's for one that is not edited."""
    backbone = backbone_of(model)
    return PRESETS if backbone is None else backbone.presets


def control_model(
    model: comfy.model_patcher.ModelPatcher,
    latent: dict[str, Any],
    control: Control,
    spell: Spell = str,
    node: str = "",
) -> tuple[comfy.model_patcher.ModelPatcher, dict[str, Any]]:
    """A clone of the model whose runs apply the edits, and the latent with a row for each source and target.

    What the runs find is kept in a `Record` that goes with the latent. `spell` puts nodes' names into messages, and
    what is said of a run is said of `node`. Raises EditError for a model that has no such attention, or that the latent
    does not fit.
    """
    backbone = backbone_of(model)
    if backbone is None:
        cause = why_not(model.get_model_object("diffusion_model"))
        raise EditError(cause, f"Prompt-to-Prompt works with {WORKS}.", Part.CONTROLLER)
    check_latent(model, backbone, latent, Part.CONTROLLER)
    check_blends(control.plan, backbone)
    if is_controlled(model):
        raise EditError(
            "this model already comes from an Attention Controller",
            "Chain the edit nodes instead and apply them with one Controller.",
            Part.CONTROLLER,
        )
    controlled = Controlled(control, backbone, Record(), spell)
    clone = model.clone()
    backbone.attach(clone)
    clone.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, partial(_outer_sample, controlled, node))
    clone.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, KEY, partial(sampler_sample, controlled))
    clone.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, KEY, predict_noise)
    clone.add_wrapper_with_key(WrappersMP.CALC_COND_BATCH, KEY, calc_cond_batch)
    clone.add_wrapper_with_key(WrappersMP.APPLY_MODEL, KEY, partial(apply_model, backbone))
    empty_with(clone)
    return clone, _expand_latent(latent, controlled)


def _outer_sample(controlled: Controlled, node: str, *args: Any, **kwargs: Any) -> torch.Tensor:
    """OUTER_SAMPLE: what is said of the run is the Controller's, not the sampler's."""
    with log.speaking_for(node):
        return outer_sample(controlled, *args, **kwargs)


def _expand_latent(latent: dict[str, Any], controlled: Controlled) -> dict[str, Any]:
    """Repeat each picture of a latent for the rows of its source and targets, all with the noise of the one.

    The record goes with it, and through the sampler, to the nodes that ask about the run.
    """
    samples = latent["samples"]
    rows = controlled.control.plan.layout(len(samples))
    expanded = {**latent, "samples": rows.spread(samples), RECORD: controlled.record}
    expanded["batch_index"] = [i for i in latent.get("batch_index", range(len(samples))) for _ in range(rows.each)]
    mask = latent.get("noise_mask")
    if mask is not None and mask.shape[0] > 1:
        expanded["noise_mask"] = rows.spread(mask.reshape(-1, 1, *mask.shape[-2:]))
    return expanded


def is_controlled(model: comfy.model_patcher.ModelPatcher) -> bool:
    """True for a clone that `control_model` made."""
    return bool(model.get_wrappers(WrappersMP.OUTER_SAMPLE, KEY))
