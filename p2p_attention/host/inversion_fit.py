"""Whether an inversion fits the run that begins from it."""

from __future__ import annotations

from collections.abc import Sequence

import comfy.samplers
import torch

from ..edits.plan import EditPlan
from ..errors import EditError, Part
from ..source.inversion import Inversion, Method
from .backbones.base import Backbone
from .conditioning import PAIR
from .fingerprint import fingerprint, model_identity
from .rows import row_of

SAME = 1e-5
ANOTHER = 1e-2


def check_inversion(
    inversion: Inversion,
    plan: EditPlan,
    guider: comfy.samplers.CFGGuider,
    backbone: Backbone,
    sigmas: torch.Tensor,
    latent: torch.Tensor,
) -> None:
    """Raise EditError for a run over `sigmas` of source pictures `latent` [B, C, H, W] that the inversion does not fit,
    saying both sides.
    """
    if inversion.model != model_identity(guider.model_patcher, backbone):
        raise _misfit(
            "the inversion was made with another model, or with other LoRAs",
            f"Connect the same model to {Part.INVERSION} and to {Part.CONTROLLER}, with every LoRA before both.",
        )
    _check_schedule(inversion, sigmas.tolist())
    _check_picture(inversion, guider, latent)
    _check_prompts(inversion, plan, guider)


def _check_schedule(inversion: Inversion, run: Sequence[float]) -> None:
    made = inversion.trajectory.sigmas
    unlike = [i for i, (a, b) in enumerate(zip(run, made, strict=False)) if abs(a - b) > SAME * max(a, b)]
    if unlike or len(run) != len(made):
        first = unlike[0] if unlike else min(len(run), len(made)) - 1
        raise _misfit(
            f"the inversion went over {inversion.schedule}, this run has {len(run) - 1} steps; the noise of step "
            f"{first + 1} is {made[first]:.3f} there and {run[first]:.3f} here",
            "Give the sampler the same steps and scheduler, denoise 1.0, and a sampler that takes the schedule as it "
            "is.",
        )


def _check_picture(inversion: Inversion, guider: comfy.samplers.CFGGuider, latent: torch.Tensor) -> None:
    clean = inversion.trajectory.clean
    if clean.shape != latent.shape:
        raise _misfit(
            f"the inversion is of a latent {list(clean.shape)}, the run's pictures are {list(latent.shape)}",
            "Connect the same latent to both.",
        )
    pictures = guider.model_patcher.model.process_latent_in(latent).to(clean)
    if bool(pictures.any()) and float((pictures - clean).norm() / clean.norm()) > ANOTHER:
        raise _misfit(
            "the inversion is of another picture than the latent here",
            f"Connect the same latent to {Part.INVERSION} and to {Part.CONTROLLER}.",
        )


def _check_prompts(inversion: Inversion, plan: EditPlan, guider: comfy.samplers.CFGGuider) -> None:
    entry = next(entry for entry in guider.conds["positive"] if entry.get(PAIR) == plan.pair)
    source = row_of(entry["cross_attn"], entry, 0)[0]
    if inversion.prompt != fingerprint(source):
        raise _misfit(
            "the inversion was made with another prompt than the edit's source prompt",
            f"Connect the pair's positive output to {Part.INVERSION}.",
        )
    if inversion.method is Method.NEGATIVE_PROMPT:
        entries = guider.conds.get("negative", [])
        negatives = [entry["cross_attn"][:1] for entry in entries if torch.is_tensor(entry.get("cross_attn"))]
        if not any(fingerprint(negative) == inversion.prompt for negative in negatives):
            raise _misfit(
                "negative_prompt inversion needs the source's prompt as the negative one",
                f"Connect {Part.INVERSION}'s negative output to the sampler, or choose the method direct.",
            )


def _misfit(cause: str, remedy: str) -> EditError:
    return EditError(cause, remedy, Part.CONTROLLER)
