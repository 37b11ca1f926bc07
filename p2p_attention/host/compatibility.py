"""What a run must be like for an edit to hold: the pair's conditioning, its rows, guidance that keeps rows apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import comfy.model_patcher
import comfy.samplers
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

from ..edits.plan import EditPlan
from ..node_names import CONTROLLER_NODE, ENCODE_NODE, INVERSION_NODE
from ..source.inversion import Inversion
from .conditioning import PAIR

COUPLING = {
    "nodes_mahiro": "Mahiro",
    "nodes_perpneg": "Perp-Neg",
    "nodes_slg": "Skip Layer Guidance",
    "nodes_video_model": "Video Linear or Triangle CFG",
}
SAMPLERS = {
    "dpm_adaptive": "chooses its steps by the error over the whole batch",
    "lcm_upscale": "draws noise of its own for each row",
}


def check_positive(guider: comfy.samplers.CFGGuider, plan: EditPlan) -> None:
    """Raise ValueError unless the positive conditioning is the pair's, as it was encoded."""
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


def check_latent(model: comfy.model_patcher.ModelPatcher, latent: dict[str, Any], node: str) -> None:
    """Raise ValueError, naming the node, unless a latent [B, C, H, W] of pictures fits the model.

    The host itself gives an empty latent of other channels the model's.
    """
    samples, wanted = latent.get("samples"), model.get_model_object("latent_format").latent_channels
    if not torch.is_tensor(samples) or samples.is_nested or samples.ndim != 4:
        raise ValueError(f"{node}: the latent is not of pictures; use one of shape [batch, C, H, W].")
    if 0 in samples.shape:
        raise ValueError(f"{node}: the latent of shape {list(samples.shape)} holds no picture.")
    if not bool(torch.isfinite(samples).all()):
        raise ValueError(f"{node}: the latent holds values that are not numbers; the picture before it is broken.")
    if samples.shape[1] != wanted and bool(samples.any()):
        raise ValueError(
            f"{node}: the latent has {samples.shape[1]} channels, the model works on {wanted}. Encode the picture with "
            "the VAE that belongs to the model."
        )
    unet = model.get_model_object("diffusion_model")
    least = 2 ** (len(unet.channel_mult) - 1) if pools(model) else 1
    height, width = _sides_in_the_run(model, latent)
    if min(height, width) < least:
        raise ValueError(
            f"{node}: the latent is {width}×{height}, this model needs at least {least}×{least}. Use a larger picture."
        )


def _sides_in_the_run(model: comfy.model_patcher.ModelPatcher, latent: dict[str, Any]) -> tuple[int, int]:
    """A latent's height and width; an empty one made for another VAE is resized by the host before it samples."""
    made_for = latent.get("downscale_ratio_spacial")
    height, width = latent["samples"].shape[2:]
    if made_for is None or bool(latent["samples"].any()):
        return height, width
    ratio = made_for / model.get_model_object("latent_format").spacial_downscale_ratio
    return round(height * ratio), round(width * ratio)


def pools(model: comfy.model_patcher.ModelPatcher) -> bool:
    """True if the model's levels halve by pooling, which rounds down, and not by a convolution, which rounds up."""
    unet = model.get_model_object("diffusion_model")
    return isinstance(unet, UNetModel) and not unet.conv_resample


def check_noise_mask(mask: torch.Tensor | None, plan: EditPlan) -> None:
    """Raise ValueError for a noise mask [rows, …] of a run that is not alike in all rows of each picture."""
    if mask is None or mask.shape[0] % plan.rows:
        return
    if not _are_alike(mask, plan.rows):
        raise ValueError(
            f"{CONTROLLER_NODE}: source and target have different noise masks. Connect the mask to the latent before "
            "the Controller, which gives all rows of a picture the same."
        )


def check_rows(noise: torch.Tensor, plan: EditPlan, inversion: Inversion | None) -> None:
    """Raise ValueError unless the noise [rows, C, H, W] is alike in all rows of each picture."""
    if noise.shape[0] % plan.rows:
        raise ValueError(
            f"{CONTROLLER_NODE}: the sampler got a batch of {noise.shape[0]}, the edit needs {plan.rows} for each "
            "picture (source and targets). Connect the Controller's latent output to the sampler."
        )
    if inversion is None and not _are_alike(noise, plan.rows):
        raise ValueError(
            f"{CONTROLLER_NODE}: source and target start from different noise. Connect the Controller's latent output "
            "to the sampler, and noise that honours batch_index (KSampler and Random Noise do)."
        )


def check_batch(guider: comfy.samplers.CFGGuider, plan: EditPlan) -> None:
    """Refuse masks, hints and other prompts of several unlike rows, which the host deals out whosever the rows are."""
    for name, entries in guider.conds.items():
        for entry in entries:
            pair = entry.get(PAIR) == plan.pair
            own = pair and name == "positive"
            if pair and name == "negative" and not _are_alike(entry["cross_attn"]):
                raise ValueError(
                    f"{CONTROLLER_NODE}: the sampler's negative prompt is the pair of {ENCODE_NODE}. Connect a "
                    f"CLIP Text Encode instead, or {INVERSION_NODE}'s negative."
                )
            prompt = None if own else entry.get("cross_attn")
            found = [("mask", entry.get("mask")), (f"{name} prompt", prompt)]
            found += [(f"{name} prompt's pooled output", None if own else entry.get("pooled_output"))]
            found += [("ControlNet image", hint) for hint in _hints(entry.get("control"))]
            for what, tensor in found:
                if torch.is_tensor(tensor) and not _are_alike(tensor):
                    raise ValueError(
                        f"{CONTROLLER_NODE}: a {what} of the conditioning has a batch of {tensor.shape[0]}, which "
                        "cannot follow the rows of source and targets. Give it a batch of 1."
                    )


def _are_alike(tensor: torch.Tensor, rows: int | None = None) -> bool:
    """True if a batch [B, …] is alike in all of every so many rows, or in all of them; a row by itself always is."""
    rows = rows or max(len(tensor), 1)
    each = tensor.reshape(len(tensor) // rows, rows, *tensor.shape[1:])
    return rows == 1 or bool((each == each[:, :1]).all())


def _hints(control: Any) -> Iterator[Any]:
    """The images of a chain of ControlNets."""
    while control is not None:
        yield getattr(control, "cond_hint_original", None)
        control = getattr(control, "previous_controlnet", None)


def check_guidance(guider: comfy.samplers.CFGGuider) -> None:
    """Refuse guidance that computes one number from all rows, for then the edited picture changes the source."""
    options = guider.model_options
    if "easycache" in options.get("transformer_options", {}):
        raise ValueError(
            f"{CONTROLLER_NODE}: EasyCache and LazyCache skip steps by what the whole batch does, so the edited "
            "picture would change the source. Remove the node."
        )
    functions = [type(guider), options.get("sampler_cfg_function"), *options.get("sampler_post_cfg_function", [])]
    for function in functions:
        name = COUPLING.get(getattr(function, "__module__", "").rpartition(".")[2])
        if name:
            raise ValueError(
                f"{CONTROLLER_NODE}: {name} guidance treats the rows of a batch together or unlike, so the edited "
                "picture would change the source. Use another guider or guidance node."
            )


def check_sampler(sampler: comfy.samplers.Sampler) -> None:
    """Refuse samplers under which equal rows would not stay equal."""
    name = getattr(getattr(sampler, "sampler_function", None), "__name__", "").removeprefix("sample_")
    for refused, why in SAMPLERS.items():
        if name.startswith(refused):
            raise ValueError(
                f"{CONTROLLER_NODE}: the sampler {refused} {why}, so the edited picture would change the source or "
                "differ from it without an edit. Choose another sampler."
            )
