"""ComfyUI's samplers: rows for a latent, a patched clone of a model, and what is done around each of its runs."""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import comfy.model_patcher
import comfy.samplers
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.patcher_extension import WrappersMP
from comfy_api.torch_helpers.torch_compile import COMPILE_KEY

from ..edits.control import Control
from ..edits.plan import EditPlan
from ..node_names import BLEND_NODE, CONTROLLER_NODE, INVERSION_NODE
from ..run.effect import idle
from ..run.record import Findings, Record
from ..run.run import Run
from ..source.inversion import Anchor, Method
from .backbones.unet import RUN, attention_override, attn1_patch, attn2_patch
from .compatibility import (
    check_batch,
    check_guidance,
    check_noise_mask,
    check_positive,
    check_rows,
    check_sampler,
    pools,
)
from .conditioning import KEY, PAIR
from .findings import RECORD
from .inversion import check_inversion
from .noise import noise_sampler, refuse_noise, shared_inpainting_noise, shared_noise

OVERRIDE = "optimized_attention_override"


def expand_latent(latent: dict[str, Any], rows: int, record: Record) -> dict[str, Any]:
    """Repeat each picture of a latent for so many rows, all with the noise of the one.

    The record goes with it, and through the sampler, to the nodes that ask about the run.
    """
    samples = latent["samples"]
    expanded = {**latent, "samples": samples.repeat_interleave(rows, dim=0), RECORD: record}
    expanded["batch_index"] = [i for i in latent.get("batch_index", range(len(samples))) for _ in range(rows)]
    mask = latent.get("noise_mask")
    if mask is not None and mask.shape[0] > 1:
        expanded["noise_mask"] = mask.reshape(-1, 1, *mask.shape[-2:]).repeat_interleave(rows, dim=0)
    return expanded


def control_model(
    model: comfy.model_patcher.ModelPatcher, control: Control, record: Record
) -> comfy.model_patcher.ModelPatcher:
    """A clone of the model whose runs apply the edits, and leave in the record what they found.

    Raises ValueError for a model that has no such attention.
    """
    unet = model.get_model_object("diffusion_model")
    if not isinstance(unet, UNetModel):
        raise ValueError(
            f"{CONTROLLER_NODE}: {type(unet).__name__} is not a UNet with cross-attention to the prompt. "
            "Prompt-to-Prompt works with Stable Diffusion 1, 2, XL and models of their families."
        )
    if model.get_wrappers(WrappersMP.OUTER_SAMPLE, KEY):
        raise ValueError(
            f"{CONTROLLER_NODE}: this model already comes from an Attention Controller. "
            "Chain the edit nodes instead and apply them with one Controller."
        )
    clone = model.clone()
    clone.set_model_attn1_patch(attn1_patch)
    clone.set_model_attn2_patch(attn2_patch)
    clone.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, partial(_controlled_run, control, record))
    clone.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, KEY, _controlled_sampler)
    clone.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, KEY, _controlled_call)
    return clone


def _controlled_run(
    control: Control,
    record: Record,
    executor: Any,
    noise: torch.Tensor,
    latent: torch.Tensor,
    *args: Any,
    **kwargs: Any,
) -> torch.Tensor:
    """OUTER_SAMPLE: one `Run` from here to the end, in the run's own transformer_options."""
    guider: comfy.samplers.CFGGuider = executor.class_obj
    sigmas: torch.Tensor = args[1]
    check_positive(guider, control.plan)
    check_rows(noise, control.plan, control.inversion)
    check_guidance(guider)
    check_batch(guider, control.plan)
    sampling = guider.model_patcher.get_model_object("model_sampling")
    pictures = noise.shape[0] // control.plan.rows
    continues = control.inversion is None and not bool(torch.any(noise))
    if control.inversion:
        check_inversion(control.inversion, control.plan, guider, sigmas, latent)
    halving = math.floor if pools(guider.model_patcher) else math.ceil
    run = Run(control, sigmas.tolist(), sampling.percent_to_sigma, pictures, continues, halving)
    logging.info("Prompt-to-Prompt: %s", run.summary)
    if warning := idle(control.plan):
        logging.warning("%s: %s", CONTROLLER_NODE, warning)
    options = guider.model_options["transformer_options"]
    _uncompile(options)
    if options.get("patches_replace", {}).get("attn2") and (run.takes_extra_rows or run.renormalises):
        raise ValueError(
            f"{CONTROLLER_NODE}: another node replaces this model's cross-attention (as IPAdapter does) and cannot "
            "take what added words, word windows and reweights need. Remove it, or only swap words."
        )
    _spread_rows(guider, control.plan)
    options[RUN] = run
    try:
        result = executor(noise, latent, *args, **kwargs)
    finally:
        del options[RUN]
    run.end()
    for remark in run.remarks(result):
        logging.warning("%s: %s", CONTROLLER_NODE, remark)
    masks, heats = run.blender.target_masks, tuple(run.heats())
    if masks is not None or heats:
        scale = guider.model_patcher.model.latent_format.spacial_downscale_ratio
        masks = None if masks is None else masks.cpu()
        record.keep(Findings(result.detach().cpu().clone(), masks, heats, scale))
    return result


def _uncompile(options: dict[str, Any]) -> None:
    """Take torch.compile from a run's own options: the host reuses what it traced without asking for our hooks."""
    if options.get("wrappers", {}).get(WrappersMP.APPLY_MODEL, {}).pop(COMPILE_KEY, None):
        logging.warning("%s: torch.compile (Torch Compile Model) is left out while an edit runs.", CONTROLLER_NODE)


def _controlled_call(
    executor: Any, x: torch.Tensor, timestep: torch.Tensor, model_options: dict[str, Any], *args: Any
) -> torch.Tensor:
    """PREDICT_NOISE: read the noise level once for all layers."""
    run: Run | None = model_options.get("transformer_options", {}).get(RUN)
    if run is None:
        return executor(x, timestep, model_options, *args)
    sigma = float(timestep.flatten()[0])
    run.begin_call(sigma, x)
    if run.anchor:
        run.anchor.place(x, sigma)
    run.blender.blend(x)
    with _overridden(model_options["transformer_options"], run):
        result = executor(x, timestep, model_options, *args)
    run.end_call(sigma, x)
    if run.anchor:
        run.anchor.lead(result, sigma)
    return run.blender.blend(result)


@contextmanager
def _overridden(options: dict[str, Any], run: Run) -> Iterator[None]:
    """The attention override in these options, in calls that need it; after them what was there before."""
    if not run.sees_attention:
        yield
        return
    before = options.get(OVERRIDE)
    options[OVERRIDE] = partial(attention_override, run, before)
    try:
        yield
    finally:
        del options[OVERRIDE]
        if before is not None:
            options[OVERRIDE] = before


def _controlled_sampler(
    executor: Any,
    guider: Any,
    sigmas: torch.Tensor,
    extra_args: dict[str, Any],
    callback: Any,
    noise: torch.Tensor,
    latent: torch.Tensor,
    denoise_mask: torch.Tensor | None,
    *args: Any,
) -> torch.Tensor:
    """SAMPLER_SAMPLE: the host has prepared the conditionings, and the sampler is about to draw its noise."""
    run: Run = guider.model_options["transformer_options"][RUN]
    if guider.model_options.get("multigpu_clones"):
        raise ValueError(f"{CONTROLLER_NODE}: an edit cannot be split over several GPUs. Remove the multi-GPU node.")
    sampler: comfy.samplers.Sampler = executor.class_obj
    check_sampler(sampler)
    check_noise_mask(denoise_mask, run.plan)
    run.spans = {
        entry["uuid"]: (entry.get("timestep_start", math.inf), entry.get("timestep_end", 0.0))
        for entry in _own_entries(guider, run.plan)
    }
    rows, inversion = run.plan.rows, run.inversion
    if inversion:
        if denoise_mask is not None:
            raise ValueError(
                f"{CONTROLLER_NODE}: an inverted picture cannot take a noise mask. Connect the mask to {BLEND_NODE}."
            )
        noise, latent = torch.zeros_like(noise), inversion.start.to(noise).repeat_interleave(rows, dim=0)
        if inversion.method is Method.DIRECT:
            run.anchor = Anchor(inversion, rows, noise.device)
    elif (
        denoise_mask is None
        and len(sigmas) > 1
        and sampler.max_denoise(guider, sigmas)
        and latent.any()
        and noise.any()
    ):
        logging.warning(
            "%s: nothing of the latent's picture is left at denoise 1.0. To edit that picture, connect %s to the "
            "inversion input; for a new one, use an empty latent.",
            CONTROLLER_NODE,
            INVERSION_NODE,
        )
    draw = refuse_noise if inversion else noise_sampler
    with (
        shared_noise(sampler, draw, noise, rows, sigmas, extra_args.get("seed")),
        shared_inpainting_noise(sampler, rows),
    ):
        samples = executor(guider, sigmas, extra_args, callback, noise, latent, denoise_mask, *args)
    if run.anchor:
        run.anchor.finish(samples)
    if inversion:
        error = (samples[::rows] - inversion.clean.to(samples)).norm() / inversion.clean.norm()
        logging.info("Prompt-to-Prompt: the source was reconstructed to a relative error of %.2e.", float(error))
    return run.blender.blend(samples)


def _own_entries(guider: comfy.samplers.CFGGuider, plan: EditPlan) -> list[dict[str, Any]]:
    """All entries that will run the pair's rows, with ids made anew.

    Where an entry has an area, the host gives its opposite a copy of it, id and all, with the other's context: so a
    positive without our mark may hold the pair's rows, and a negative with our mark does not.
    """
    positives = guider.conds["positive"]
    contexts = [entry["model_conds"].get("c_crossattn") for entry in positives if entry.get(PAIR) == plan.pair]
    own = [entry for entry in positives if any(entry["model_conds"].get("c_crossattn") is c for c in contexts)]
    for entry in own:
        entry["uuid"] = uuid.uuid4()
    return own


def _spread_rows(guider: comfy.samplers.CFGGuider, plan: EditPlan) -> None:
    """Give every picture of a sweep its row of the conditioning, in the run's own copy of the entries."""
    rows = plan.encoded_rows
    if rows == list(range(plan.encoded)):
        return
    for entry in guider.conds["positive"]:
        if entry.get(PAIR) == plan.pair:
            for key in ("cross_attn", "pooled_output"):
                if entry.get(key) is not None:
                    entry[key] = entry[key][rows]
