"""ComfyUI's side of inversion: running the sampler backwards, and starting a run from what it found."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator
from typing import Any

import comfy.model_patcher
import comfy.model_sampling
import comfy.sample
import comfy.samplers
import comfy.utils
import latent_preview
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.patcher_extension import WrappersMP

from ..edits.plan import EditPlan
from ..node_names import CONTROLLER_NODE, INVERSION_NODE
from ..source.inversion import Inversion, Method, invert
from .compatibility import check_latent
from .conditioning import KEY, PAIR, Conditioning

SAME = 1e-5
ANOTHER = 1e-2
SEEN = 64
SMALL = ("diffusion_model.time_embed.0.bias", "diffusion_model.time_embed.2.bias", "diffusion_model.out.0.")


def invert_picture(
    model: comfy.model_patcher.ModelPatcher,
    positive: Conditioning,
    latent: dict[str, Any],
    steps: int,
    scheduler: str,
    method: Method,
    iterations: int = 0,
) -> tuple[Inversion, Conditioning]:
    """Invert a latent under the first prompt of a conditioning, at guidance 1.

    Returns the inversion, and that prompt by itself for use as the negative one. Raises ValueError for a model or a
    latent that does not fit.
    """
    if model.get_wrappers(WrappersMP.OUTER_SAMPLE, KEY):
        raise ValueError(f"{INVERSION_NODE}: this model comes from {CONTROLLER_NODE}. Connect the model before it.")
    sampling, unet = model.get_model_object("model_sampling"), model.get_model_object("diffusion_model")
    if not isinstance(sampling, comfy.model_sampling.EPS) or not isinstance(unet, UNetModel):
        raise ValueError(
            f"{INVERSION_NODE}: this model is not a UNet that predicts noise or v, so DDIM inversion does not fit it."
        )
    check_latent(model, latent, INVERSION_NODE)
    clean = latent["samples"]
    if not bool(clean.any()):
        raise ValueError(f"{INVERSION_NODE}: the latent is empty. Encode a picture with VAE Encode.")
    source = _first_prompt(positive)
    sigmas = comfy.samplers.calculate_sigmas(sampling, scheduler, steps)
    preview = latent_preview.prepare_callback(model, len(sigmas) - 1)
    made: list[tuple[torch.Tensor, float]] = []

    def upwards(
        predict: Any, x: torch.Tensor, sigmas: torch.Tensor, extra_args: dict[str, Any], callback: Any, **_: Any
    ) -> torch.Tensor:
        def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
            return predict(x, x.new_full((len(x),), sigma), **extra_args)

        def done(step: int, x: torch.Tensor) -> None:
            callback({"i": step, "denoised": x, "x": x})

        made.append(invert(denoise, x, sigmas.tolist(), float(sampling.sigma_min), iterations, done))
        return x

    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(source, source)
    guider.set_cfg(1.0)
    quiet = not comfy.utils.PROGRESS_BAR_ENABLED
    sampler = comfy.samplers.KSAMPLER(upwards)
    guider.sample(torch.zeros_like(clean), clean, sampler, sigmas, callback=preview, disable_pbar=quiet, seed=0)
    trajectory, error = made[0]
    schedule = f"{len(sigmas) - 1} steps of the scheduler {scheduler}"
    prompt = _fingerprint(source[0][0])
    inversion = Inversion(
        method, tuple(sigmas.tolist()), trajectory.cpu(), model_identity(model), prompt, schedule, error
    )
    return inversion, source


def check_inversion(
    inversion: Inversion,
    plan: EditPlan,
    guider: comfy.samplers.CFGGuider,
    sigmas: torch.Tensor,
    latent: torch.Tensor,
) -> None:
    """Raise ValueError for a run that the inversion does not fit, saying both sides."""
    if inversion.model != model_identity(guider.model_patcher):
        raise ValueError(
            f"{CONTROLLER_NODE}: the inversion was made with another model, or with other LoRAs. Connect the same "
            f"model to {INVERSION_NODE} and to {CONTROLLER_NODE}, with every LoRA before both."
        )
    run = sigmas.tolist()
    unlike = [i for i, (a, b) in enumerate(zip(run, inversion.sigmas, strict=False)) if abs(a - b) > SAME * max(a, b)]
    if unlike or len(run) != len(inversion.sigmas):
        first = unlike[0] if unlike else min(len(run), len(inversion.sigmas)) - 1
        raise ValueError(
            f"{CONTROLLER_NODE}: the inversion went over {inversion.schedule}, this run has {len(run) - 1} steps; the "
            f"noise of step {first + 1} is {inversion.sigmas[first]:.3f} there and {run[first]:.3f} here. Give the "
            "sampler the same steps and scheduler, denoise 1.0, and a sampler that takes the schedule as it is."
        )
    wanted, there = tuple(inversion.clean.shape), (latent.shape[0] // plan.rows, *latent.shape[1:])
    if wanted != there:
        raise ValueError(
            f"{CONTROLLER_NODE}: the inversion is of a latent {list(wanted)}, the run's pictures are {list(there)}. "
            "Connect the same latent to both."
        )
    pictures = guider.model_patcher.model.process_latent_in(latent[:: plan.rows]).to(inversion.clean)
    if bool(pictures.any()) and float((pictures - inversion.clean).norm() / inversion.clean.norm()) > ANOTHER:
        raise ValueError(
            f"{CONTROLLER_NODE}: the inversion is of another picture than the latent here. Connect the same latent to "
            f"{INVERSION_NODE} and to {CONTROLLER_NODE}."
        )
    source = next(entry for entry in guider.conds["positive"] if entry.get(PAIR) == plan.pair)["cross_attn"][:1]
    if inversion.prompt != _fingerprint(source):
        raise ValueError(
            f"{CONTROLLER_NODE}: the inversion was made with another prompt than the edit's source prompt. Connect the "
            f"pair's positive output to {INVERSION_NODE}."
        )
    if inversion.method is Method.NEGATIVE_PROMPT:
        entries = guider.conds.get("negative", [])
        negatives = [entry["cross_attn"][:1] for entry in entries if torch.is_tensor(entry.get("cross_attn"))]
        if not any(_fingerprint(negative) == inversion.prompt for negative in negatives):
            raise ValueError(
                f"{CONTROLLER_NODE}: negative_prompt inversion needs the source's prompt as the negative one. Connect "
                f"{INVERSION_NODE}'s negative output to the sampler, or choose the method direct."
            )


def _first_prompt(positive: Conditioning) -> Conditioning:
    """The first row of a conditioning, a pair's source, without the pair's mark."""
    first = []
    for cond, options in positive:
        kept = {key: value for key, value in options.items() if key != PAIR}
        if torch.is_tensor(kept.get("pooled_output")):
            kept["pooled_output"] = kept["pooled_output"][:1]
        first.append([cond[:1], kept])
    return first


def _fingerprint(cond: torch.Tensor) -> Hashable:
    data = cond.detach().float().cpu().contiguous().numpy().tobytes()
    return hashlib.sha256(data).hexdigest()


def model_identity(model: comfy.model_patcher.ModelPatcher) -> Hashable:
    """Equal for the same weights under the same LoRAs, also when they were loaded twice, and whatever is loaded now."""
    small = [entry for prefix in SMALL for entry in model.get_key_patches(prefix).items()]
    weights = tuple(_fingerprint(parts[0][0]) for _, parts in small)  # as they are without the patches that follow
    patches = {str(key): tuple(map(_patch_identity, parts)) for key, parts in model.patches.items()}
    predicts = tuple(base.__name__ for base in type(model.get_model_object("model_sampling")).__mro__)
    return predicts, weights, tuple(sorted(patches.items()))


def _patch_identity(patch: tuple[Any, ...]) -> Hashable:
    """Of a LoRA's patch of one weight: its strengths, and the beginnings of its tensors."""
    strength, value, strength_model = patch[:3]
    return strength, strength_model, tuple(_fingerprint(part.flatten()[:SEEN]) for part in _tensors(value))


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """The tensors of a patch, however deep: the host has tuples, and objects with `weights`."""
    if torch.is_tensor(value):
        yield value
    for part in value if isinstance(value, (tuple, list)) else (getattr(value, "weights", None) or ()):
        yield from _tensors(part)
