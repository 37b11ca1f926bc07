"""ComfyUI's samplers: rows for a latent, a patched clone of a model, and what is done around each of its runs."""

from __future__ import annotations

import contextlib
import inspect
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import comfy.k_diffusion.sampling
import comfy.model_patcher
import comfy.samplers
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.patcher_extension import WrappersMP

from .control import Control
from .edits import EditPlan
from .hooks import RUN, attention_override, attn1_patch, attn2_output_patch, attn2_patch
from .host_prompts import ENCODE_NODE, PAIR
from .record import Record
from .run import BLEND_NODE, CONTROLLER_NODE, Run

MASK_NODE = "P2P Blend Mask"
KEY = "p2p"
RECORD = "p2p_record"
COUPLING = {"nodes_perpneg": "Perp-Neg", "nodes_mahiro": "Mahiro"}
ADAPTIVE = ("dpm_adaptive", "sample_dpm_adaptive")
OVERRIDE = "optimized_attention_override"


def expand_latent(latent: dict[str, Any], rows: int, record: Record) -> dict[str, Any]:
    """Repeat a latent of one for so many rows, all with the noise of its one. Raises ValueError for any other.

    The record goes with it, and through the sampler, to the nodes that ask about the run.
    """
    samples = latent["samples"]
    if getattr(samples, "is_nested", False) or samples.ndim != 4:
        raise ValueError(f"{CONTROLLER_NODE}: the latent is not a single picture's; use one of shape [1, C, H, W].")
    if samples.shape[0] != 1:
        raise ValueError(
            f"{CONTROLLER_NODE}: the latent holds a batch of {samples.shape[0]}, but the Controller makes the rows for "
            "source and target itself. Give it a batch of 1 (for example Latent From Batch)."
        )
    index = latent.get("batch_index", [0])[0]
    return {**latent, "samples": samples.repeat(rows, 1, 1, 1), "batch_index": [index] * rows, RECORD: record}


def blend_masks(latent: dict[str, Any]) -> torch.Tensor:
    """The local blend's masks [targets, H, W] of the run that made a latent, in the picture's size.

    Raises ValueError for a latent that no run with a local blend made.
    """
    masks = latent[RECORD].masks(latent["samples"]) if RECORD in latent else None
    if masks is None:
        raise ValueError(
            f"{MASK_NODE}: these samples are not those of a run with a local blend. Connect the sampler's own output, "
            f"of a model and latent from {CONTROLLER_NODE}, with a {BLEND_NODE} in the edit."
        )
    return masks


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
    clone.set_model_attn2_output_patch(attn2_output_patch)
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
):
    """OUTER_SAMPLE: one `Run` from here to the end, in the run's own transformer_options."""
    guider: comfy.samplers.CFGGuider = executor.class_obj
    sigmas: torch.Tensor = args[1]
    _check_positive(guider, control.plan)
    _check_rows(noise, control.plan)
    _check_guidance(guider)
    sampling = guider.model_patcher.get_model_object("model_sampling")
    continues = not bool(torch.any(noise))
    run = Run(control, sigmas.tolist(), sampling.percent_to_sigma, continues)
    options = guider.model_options["transformer_options"]
    if options.get("patches_replace", {}).get("attn2") and run.takes_extra_rows:
        raise ValueError(
            f"{CONTROLLER_NODE}: another node replaces this model's cross-attention (as IPAdapter does) and cannot "
            "take the extra rows that added words, word windows and reweights need. Remove it, or only swap words."
        )
    _spread_rows(guider, control.plan)
    before = options.get(OVERRIDE)
    options[RUN] = run
    if run.sees_attention:
        options[OVERRIDE] = partial(attention_override, run, before)
    try:
        result = executor(noise, latent, *args, **kwargs)
    finally:
        del options[RUN]
        options.pop(OVERRIDE, None)
        if before is not None:
            options[OVERRIDE] = before
    run.end()
    if run.blender.mask is not None:
        scale = guider.model_patcher.model.latent_format.spacial_downscale_ratio
        masks = torch.nn.functional.interpolate(run.blender.mask, scale_factor=scale, mode="bilinear")
        record.keep(result, masks[:, 0])
    return result


def _controlled_call(executor: Any, x: torch.Tensor, timestep: torch.Tensor, model_options: dict, *args: Any):
    """PREDICT_NOISE: read the noise level once for all layers."""
    run: Run | None = model_options.get("transformer_options", {}).get(RUN)
    if run is None:
        return executor(x, timestep, model_options, *args)
    sigma = float(timestep.flatten()[0])
    run.begin_call(sigma, x)
    run.blender.blend(x)
    result = executor(x, timestep, model_options, *args)
    run.end_call(sigma, x)
    return run.blender.blend(result)


def _controlled_sampler(
    executor: Any, guider: Any, sigmas: torch.Tensor, extra_args: dict, callback: Any, noise: torch.Tensor, *args: Any
):
    """SAMPLER_SAMPLE: the host has prepared the conditionings, and the sampler is about to draw its noise."""
    run: Run = guider.model_options["transformer_options"][RUN]
    if getattr(getattr(executor.class_obj, "sampler_function", None), "__name__", "").startswith(ADAPTIVE):
        raise ValueError(
            f"{CONTROLLER_NODE}: the sampler dpm_adaptive chooses its steps by the error over the whole batch, so the "
            "edited picture would change the source. Choose another sampler."
        )
    run.uuids = _own_entries(guider, run.plan)
    with _shared_noise(executor.class_obj, noise, sigmas, extra_args.get("seed")):
        return run.blender.blend(executor(guider, sigmas, extra_args, callback, noise, *args))


@contextlib.contextmanager
def _shared_noise(sampler: Any, noise: torch.Tensor, sigmas: torch.Tensor, seed: int | None) -> Iterator[None]:
    """While it lasts, the noise that a sampler draws per step is the same for every row, as for a batch of one."""
    function = getattr(sampler, "sampler_function", None)
    draws = function is not None and "noise_sampler" in inspect.signature(function).parameters
    if not draws or sampler.extra_options.get("noise_sampler") is not None or len(sigmas) < 2:
        yield
        return
    original = sampler.extra_options
    one_row = _noise_sampler(function.__name__, noise[:1], sigmas, seed)
    sampler.extra_options = {**original, "noise_sampler": lambda *at: one_row(*at).expand_as(noise)}
    try:
        yield
    finally:
        sampler.extra_options = original


def _own_entries(guider: comfy.samplers.CFGGuider, plan: EditPlan) -> frozenset:
    """The ids of all entries that will run the pair's rows, made anew.

    Where an entry has an area, the host gives its opposite a copy of it, id and all, with the other's context: so a
    positive without our mark may hold the pair's rows, and a negative with our mark does not.
    """
    positives = guider.conds["positive"]
    contexts = [entry["model_conds"].get("c_crossattn") for entry in positives if entry.get(PAIR) == plan.pair]
    own = [entry for entry in positives if any(entry["model_conds"].get("c_crossattn") is c for c in contexts)]
    for entry in own:
        entry["uuid"] = uuid.uuid4()
    return frozenset(entry["uuid"] for entry in own)


def _noise_sampler(name: str, x: torch.Tensor, sigmas: torch.Tensor, seed: int | None) -> Callable:
    """The host's own noise sampler for this sampler function, for one row."""
    if name.startswith("sample_dpmpp") and "sde" in name:
        low, high = sigmas[sigmas > 0].min(), sigmas.max()
        tree = comfy.k_diffusion.sampling.BrownianTreeNoiseSampler
        return tree(x, low, high, seed=seed, cpu=not name.endswith("_gpu"))
    return comfy.k_diffusion.sampling.default_noise_sampler(x, seed=seed)


def _check_positive(guider: comfy.samplers.CFGGuider, plan: EditPlan) -> None:
    entries = [entry for entry in guider.conds.get("positive", []) if entry.get(PAIR) == plan.pair]
    if not entries:
        raise ValueError(
            f"{CONTROLLER_NODE}: the sampler's positive conditioning is not the one of this edit. Connect the positive "
            f"output of the {ENCODE_NODE} that this edit comes from."
        )
    for entry in entries:
        rows, tokens = entry["cross_attn"].shape[:2]
        if (rows, tokens) != (plan.encoded, plan.tokens):
            raise ValueError(
                f"{CONTROLLER_NODE}: the positive conditioning has {rows} rows of {tokens} tokens, "
                f"the edit was encoded to {plan.encoded} of {plan.tokens}. Connect {ENCODE_NODE}'s positive output "
                "without nodes that change its batch or join other prompts to it."
            )


def _check_guidance(guider: comfy.samplers.CFGGuider) -> None:
    """Refuse guidance that computes one number from all rows, for then the edited picture changes the source."""
    options = guider.model_options
    functions = [type(guider), options.get("sampler_cfg_function"), *options.get("sampler_post_cfg_function", [])]
    for function in functions:
        name = COUPLING.get(getattr(function, "__module__", "").rpartition(".")[2])
        if name:
            raise ValueError(
                f"{CONTROLLER_NODE}: {name} guidance computes one number from the whole batch, so the edited picture "
                "would change the source. Use another guider or guidance node."
            )


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


def _check_rows(noise: torch.Tensor, plan: EditPlan) -> None:
    if noise.shape[0] != plan.rows:
        raise ValueError(
            f"{CONTROLLER_NODE}: the sampler got a batch of {noise.shape[0]}, the edit needs {plan.rows} (source and "
            "targets). Connect the Controller's latent output to the sampler."
        )
    if not bool((noise == noise[:1]).all()):
        raise ValueError(
            f"{CONTROLLER_NODE}: source and target start from different noise. Connect the Controller's latent output "
            "to the sampler, and noise that honours batch_index (KSampler and Random Noise do)."
        )
