"""Running ComfyUI's sampler backwards: from a picture to the noise that it comes from."""

from __future__ import annotations

from typing import Any

import comfy.model_patcher
import comfy.model_sampling
import comfy.sample
import comfy.samplers
import comfy.utils
import latent_preview
import torch

from ..errors import EditError, Part
from ..source.inversion import Inversion, Method, Solver, invert
from ..source.replay import Replay
from ..source.trajectory import Trajectory
from . import log
from .backbones.registry import backbone_of
from .compatibility import check_latent
from .conditioning import Conditioning, first_prompt
from .control import is_controlled
from .fingerprint import fingerprint, model_identity
from .source_recorder import SourceRecorder
from .step_caches import check_no_step_cache
from .text_width import check_width

INVERTED = (comfy.model_sampling.EPS, comfy.model_sampling.CONST, comfy.model_sampling.COSMOS_RFLOW)


def invert_picture(
    model: comfy.model_patcher.ModelPatcher,
    positive: Conditioning,
    latent: dict[str, Any],
    steps: int,
    scheduler: str,
    method: Method,
    iterations: int = 0,
    solver: Solver = Solver.EXPLICIT,
    source_cache: int = 0,
    steps_per_call: int = 1,
) -> tuple[Inversion, Conditioning]:
    """Invert a latent under the first prompt of a conditioning, at guidance 1.

    With a `source_cache` of so many bytes, what a run's source would compute is recorded, with one call of the model
    more. Returns the inversion, and that prompt by itself for use as the negative one. Raises EditError for a model or
    a latent that does not fit.
    """
    if is_controlled(model):
        raise EditError(f"this model comes from {Part.CONTROLLER}", "Connect the model before it.", Part.INVERSION)
    sampling, backbone = model.get_model_object("model_sampling"), backbone_of(model)
    if backbone is None or not isinstance(sampling, INVERTED):
        raise EditError(
            "this model is not one whose attention the pack edits, or does not predict noise, v or a flow's velocity, "
            "so inversion does not fit it.",
            subject=Part.INVERSION,
        )
    check_no_step_cache(model, model.model_options, Part.INVERSION)
    check_latent(model, backbone, latent, Part.INVERSION)
    clean = latent["samples"]
    if not bool(clean.any()):
        raise EditError("the latent is empty", "Encode a picture with VAE Encode.", Part.INVERSION)
    clean = comfy.sample.fix_empty_latent_channels(model, clean)  # gives a model of clips its axis of frames
    source = first_prompt(positive)
    check_width(model, backbone, source[0][0], Part.INVERSION)
    sigmas = comfy.samplers.calculate_sigmas(sampling, scheduler, steps)
    least = float(sampling.sigma_min)
    replay = Replay(method, solver, iterations)
    if source_cache and replay.why_not:
        log.info(f"Prompt-to-Prompt: source cache: nothing is recorded, for {replay.why_not}.")
    records = source_cache and not replay.why_not
    recorder = SourceRecorder(model, backbone, source_cache, replay) if records else None
    attached = model.clone()
    backbone.attach(attached)  # so that the prompt is what it is in the edited run
    how = (iterations, solver, recorder, steps_per_call)
    trajectory, error = _run_upwards(attached, source, clean, sigmas, least, *how)
    for line in recorder.finish() if recorder else ():
        log.info(f"Prompt-to-Prompt: {line}")
    inversion = Inversion(
        method=method,
        trajectory=trajectory.to(torch.device("cpu")),
        model=model_identity(model, backbone),
        prompt=fingerprint(source[0][0]),
        schedule=f"{len(sigmas) - 1} steps of the scheduler {scheduler}",
        error=error,
    )
    return inversion, source


def _run_upwards(
    model: comfy.model_patcher.ModelPatcher,
    source: Conditioning,
    clean: torch.Tensor,
    sigmas: torch.Tensor,
    least: float,
    iterations: int,
    solver: Solver,
    recorder: SourceRecorder | None,
    steps_per_call: int,
) -> tuple[Trajectory, float]:
    """`invert` as a sampler of the host, which loads the model, prepares the prompt and shows previews."""
    preview = latent_preview.prepare_callback(model, len(sigmas) - 1)
    made: list[tuple[Trajectory, float]] = []

    def upwards(
        predict: Any, x: torch.Tensor, sigmas: torch.Tensor, extra_args: dict[str, Any], callback: Any, **_: Any
    ) -> torch.Tensor:
        def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
            return predict(x, x.new_full((len(x),), sigma), **extra_args)

        def done(step: int, x: torch.Tensor) -> None:
            callback({"i": step, "denoised": x, "x": x})
            if recorder:
                recorder.next_is(step + 1, levels, least)

        levels, clean = sigmas.tolist(), predict.latent_image  # of a flow's picture x has nothing left
        if recorder:
            recorder.next_is(0, levels, least)
        made.append(invert(denoise, clean, levels, least, iterations, done, solver, steps_per_call))
        if recorder and recorder.waits:
            denoise(made[0][0].start, levels[0])
        return x

    guider = comfy.samplers.CFGGuider(recorder.clone if recorder else model)
    guider.set_conds(source, source)
    guider.set_cfg(1.0)
    quiet = not comfy.utils.PROGRESS_BAR_ENABLED
    sampler = comfy.samplers.KSAMPLER(upwards)
    guider.sample(torch.zeros_like(clean), clean, sampler, sigmas, callback=preview, disable_pbar=quiet, seed=0)
    return made[0]
