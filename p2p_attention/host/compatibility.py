"""What a run must be like for an edit to hold: the pair's conditioning, its rows, its sampler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import comfy.model_patcher
import comfy.samplers
import torch

from ..attention.rows import Rows
from ..edits.local_blend import Keep
from ..edits.plan import EditPlan
from ..errors import EditError, Part
from ..run.run import Run
from .backbones.base import Backbone
from .conditioning import PAIR
from .known_host import SAMPLERS
from .rows import ROWS, encoded_columns
from .text_width import check_width

LARGEST = 4  # times the side that a demo model was trained for


def check_positive(guider: comfy.samplers.CFGGuider, plan: EditPlan, backbone: Backbone) -> None:
    """Raise EditError unless the positive conditioning is the pair's, as it was encoded, and the model's."""
    entries = [entry for entry in guider.conds.get("positive", []) if entry.get(PAIR) == plan.pair]
    if not entries:
        raise EditError(
            "the sampler's positive conditioning is not the one of this edit",
            f"Connect the positive output of the {Part.ENCODE} that this edit comes from.",
            Part.CONTROLLER,
        )
    for entry in entries:
        rows, tokens = entry["cross_attn"].shape[:2]
        wanted = encoded_columns(entry) if ROWS in entry else plan.tokens
        if (rows, tokens) != (plan.encoded, wanted):
            raise EditError(
                f"the positive conditioning has {rows} rows of {tokens} tokens, the edit was encoded to {plan.encoded} "
                f"of {wanted}",
                f"Connect {Part.ENCODE}'s positive output without nodes that change its batch or join other prompts to "
                "it.",
                Part.CONTROLLER,
            )
        check_width(guider.model_patcher, backbone, entry["cross_attn"], Part.CONTROLLER)


def check_latent(
    model: comfy.model_patcher.ModelPatcher, backbone: Backbone, latent: dict[str, Any], subject: Part
) -> None:
    """Raise EditError, in the name of `subject`, unless a latent [B, C, H, W] of pictures, or [B, C, T, H, W]
    of videos where the model makes such, fits it.

    The host itself gives an empty latent of other channels the model's.
    """
    samples, made_for = latent.get("samples"), model.get_model_object("latent_format")
    wanted, shapes = made_for.latent_channels, {4: "[batch, C, H, W]"}
    if made_for.latent_dimensions == 3:
        shapes[5] = "[batch, C, frames, H, W]"
    if not torch.is_tensor(samples) or samples.is_nested or samples.ndim not in shapes:
        raise EditError(
            f"the latent is not of pictures; use one of shape {' or '.join(shapes.values())}.", subject=subject
        )
    if 0 in samples.shape:
        raise EditError(f"the latent of shape {list(samples.shape)} holds no picture.", subject=subject)
    if not bool(torch.isfinite(samples).all()):
        raise EditError(
            "the latent holds values that are not numbers; the picture before it is broken.", subject=subject
        )
    if samples.shape[1] != wanted and bool(samples.any()):
        raise EditError(
            f"the latent has {samples.shape[1]} channels, the model works on {wanted}",
            "Encode the picture with the VAE that belongs to the model.",
            subject,
        )
    least = backbone.least_sides(model)
    height, width = _sides_in_the_run(model, latent)
    trained = getattr(type(model.model.model_config), "p2p_trained_side", None)  # instances answer None to all
    if trained and max(height, width) > LARGEST * trained:
        scale = model.get_model_object("latent_format").spacial_downscale_ratio
        side, most = trained * scale, LARGEST * trained * scale
        raise EditError(
            f"the picture is {width * scale}×{height * scale}; this model was trained for {side}×{side} and would take "
            f"hours over one of more than {most}×{most}",
            f"Set the Empty Latent Image to {side}×{side}, or load a checkpoint.",
            subject,
        )
    if min(height, width) < least:
        raise EditError(
            f"the latent is {width}×{height}, this model needs at least {least}×{least}",
            "Use a larger picture.",
            subject,
        )


def check_blends(plan: EditPlan, backbone: Backbone) -> None:
    """Raise EditError for local blends that keep what only a joint attention reads, on a model without one."""
    if not backbone.keeps_values and any(blend.keep is Keep.VALUES for one in plan.targets for blend in one.blends):
        raise EditError(
            f"keep is {Keep.VALUES.value!r}, which needs a model that attends to text and image in one map, and this "
            "one has cross-attention",
            f"Choose {Keep.LATENT.value!r}.",
            Part.BLEND,
        )


def check_edits(run: Run, backbone: Backbone, replaced: bool) -> None:
    """Raise EditError for edits that the model's way of attending does not take, or not while another node has
    `replaced` its cross-attention.
    """
    if replaced and (run.adds_rows or run.renormalises):
        raise EditError(
            "another node replaces this model's cross-attention (as IPAdapter does) and cannot take what added words, "
            "word windows and reweights need",
            "Remove it, or only swap words.",
            Part.CONTROLLER,
        )
    if run.renormalises and not backbone.renormalises:
        raise EditError(
            "renormalise divides by the sum over the prompt's columns, and this model attends to text and image in one "
            "map",
            "Switch renormalise off.",
            Part.REWEIGHT,
        )
    if run.scales_scores and not backbone.scales_scores:
        raise EditError(
            "scale is 'scores', which needs a model that attends to text and image in one map, and this "
            "one has cross-attention",
            "Choose 'map'.",
            Part.REWEIGHT,
        )


def _sides_in_the_run(model: comfy.model_patcher.ModelPatcher, latent: dict[str, Any]) -> tuple[int, int]:
    """A latent's height and width; an empty one made for another VAE is resized by the host before it samples."""
    made_for = latent.get("downscale_ratio_spacial")
    height, width = latent["samples"].shape[-2:]
    if made_for is None or bool(latent["samples"].any()):
        return height, width
    ratio = made_for / model.get_model_object("latent_format").spacial_downscale_ratio
    return round(height * ratio), round(width * ratio)


def check_noise_mask(mask: torch.Tensor | None, rows: Rows) -> None:
    """Raise EditError for a noise mask [rows, …] of a run that is not alike in all rows of each picture."""
    if mask is not None and not mask.shape[0] % rows.each and not rows.are_alike(mask):
        raise EditError(
            "source and target have different noise masks",
            "Connect the mask to the latent before the Controller, which gives all rows of a picture the same.",
            Part.CONTROLLER,
        )


def check_rows(noise: torch.Tensor, plan: EditPlan) -> None:
    """Raise EditError unless the noise [rows, C, H, W] has all rows of each picture."""
    if noise.shape[0] % plan.rows:
        raise EditError(
            f"the sampler got a batch of {noise.shape[0]}, the edit needs {plan.rows} for each picture (source and "
            "targets)",
            "Connect the Controller's latent output to the sampler.",
            Part.CONTROLLER,
        )


def check_noise(noise: torch.Tensor, rows: Rows) -> None:
    """Raise EditError unless the noise [rows, C, H, W] is alike in all rows of each picture."""
    if not rows.are_alike(noise):
        raise EditError(
            "source and target start from different noise",
            "Connect the Controller's latent output to the sampler, and noise that honours batch_index (KSampler and "
            "Random Noise do).",
            Part.CONTROLLER,
        )


def check_batch(guider: comfy.samplers.CFGGuider, plan: EditPlan) -> None:
    """Refuse masks, hints and other prompts of several unlike rows, which the host deals out without regard to the
    pair.
    """
    for name, entries in guider.conds.items():
        for entry in entries:
            pair = entry.get(PAIR) == plan.pair
            own = pair and name == "positive"
            if pair and name == "negative" and not _are_alike(entry["cross_attn"]):
                raise EditError(
                    f"the sampler's negative prompt is the pair of {Part.ENCODE}",
                    f"Connect a CLIP Text Encode instead, or {Part.INVERSION}'s negative.",
                    Part.CONTROLLER,
                )
            for what, tensor in _followers(name, entry, own):
                if torch.is_tensor(tensor) and not _are_alike(tensor):
                    raise EditError(
                        f"a {what} of the conditioning has a batch of {tensor.shape[0]}, which cannot follow the rows "
                        "of source and targets",
                        "Give it a batch of 1.",
                        Part.CONTROLLER,
                    )


def _followers(name: str, entry: dict[str, Any], own: bool) -> Iterator[tuple[str, Any]]:
    """What the host deals out to the rows with an entry; the prompts of the pair's `own` are made for them."""
    yield "mask", entry.get("mask")
    if not own:
        yield f"{name} prompt", entry.get("cross_attn")
        yield f"{name} prompt's pooled output", entry.get("pooled_output")
    control = entry.get("control")
    while control is not None:
        yield "ControlNet image", getattr(control, "cond_hint_original", None)
        control = getattr(control, "previous_controlnet", None)


def _are_alike(batch: torch.Tensor) -> bool:
    """True if all rows of a batch [B, …] are the same."""
    return len(batch) <= 1 or bool((batch == batch[:1]).all())


def check_sampler(sampler: comfy.samplers.Sampler) -> None:
    """Refuse samplers under which equal rows would not stay equal."""
    name = getattr(getattr(sampler, "sampler_function", None), "__name__", "").removeprefix("sample_")
    for refused, why in SAMPLERS.items():
        if name.startswith(refused):
            raise EditError(
                f"the sampler {refused} {why}, so the edited picture would change the source or differ from it without "
                "an edit",
                "Choose another sampler.",
                Part.CONTROLLER,
            )
