"""What is done around a run of a controlled model, in the host's wrappers.

The host calls, from the outside in: OUTER_SAMPLE, once a run (`outer_sample`); SAMPLER_SAMPLE, where the sampler is
about to draw its noise (`sampler_sample`); PREDICT_NOISE, once a call of the model (`predict_noise`); APPLY_MODEL, once
a forward pass of it (`apply_model`); and in the model the backbone's hooks. The `Run` that they share is in the run's
own transformer_options and gone after it, the `Forward` of a pass in the pass's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.samplers
import torch
from comfy.patcher_extension import WrappersMP
from comfy_api.torch_helpers.torch_compile import COMPILE_KEY

from ..edits.control import Control
from ..errors import EditError, Part, Spell, spelled
from ..run.effect import idle
from ..run.record import Findings, Record
from ..run.run import Run
from ..source.inversion import Inversion
from ..source.trajectory import Anchor
from ..source.virtual import VirtualAnchor, VirtualInversion
from . import log
from .backbones.base import FORWARD, OVERRIDE, RUN, Backbone
from .compatibility import (
    check_batch,
    check_edits,
    check_noise,
    check_noise_mask,
    check_positive,
    check_rows,
    check_sampler,
)
from .guidance import check_guidance, check_windows, guide_each_row
from .inversion_fit import check_inversion
from .model_call import ModelCall, call_model
from .noise import beginning_at, noise_sampler, refuse_noise, shared_inpainting_noise, shared_noise
from .pair_entries import own_entries, spans, spread_rows
from .rows import join_in_model
from .source_cache import source_rows
from .source_rows import SOURCES, SourceRows
from .step_caches import check_no_step_cache
from .virtual_fit import pictures_to_noise, renoising


@dataclass(frozen=True, eq=False)
class Controlled:
    """What a patched clone knows: what to do, how its model attends, where to leave what runs find, how to spell
    nodes.
    """

    control: Control
    backbone: Backbone
    record: Record
    spell: Spell


def outer_sample(
    controlled: Controlled, executor: Any, noise: torch.Tensor, latent: torch.Tensor, *args: Any, **kwargs: Any
) -> torch.Tensor:
    """OUTER_SAMPLE: one `Run` from here to the end, in the run's own transformer_options."""
    guider: comfy.samplers.CFGGuider = executor.class_obj
    with spelled(controlled.spell):
        run = _begin(controlled, guider, noise, latent, args[1])
        options = guider.model_options["transformer_options"]
        options[RUN], options[SOURCES] = run, (sources := source_rows(guider, run, controlled.backbone))
        try:
            result: torch.Tensor = executor(noise, latent, *args, **kwargs)
        finally:
            del options[RUN], options[SOURCES]
        run.end()
    for line in sources.finish():
        log.info(f"Prompt-to-Prompt: {line}")
    for remark in run.remarks(result, getattr(guider, "cfg", None)):
        log.warn(controlled.spell(f"{Part.CONTROLLER}: {remark}"))
    _keep_findings(controlled.record, guider, run, result)
    return result


def _begin(
    controlled: Controlled,
    guider: comfy.samplers.CFGGuider,
    noise: torch.Tensor,
    latent: torch.Tensor,
    sigmas: torch.Tensor,
) -> Run:
    """A run for this noise and latent [rows, C, H, W], if all of it fits the edit; raises EditError if not."""
    control, plan, options = controlled.control, controlled.control.plan, guider.model_options["transformer_options"]
    inversion = control.inversion if isinstance(control.inversion, Inversion) else None
    check_positive(guider, plan, controlled.backbone)
    check_rows(noise, plan)
    rows = plan.layout(noise.shape[0] // plan.rows)
    if inversion is None:
        check_noise(noise, rows)
    check_no_step_cache(guider.model_patcher, guider.model_options, Part.CONTROLLER)
    check_guidance(guider)
    check_windows(guider, noise)
    guide_each_row(guider.model_options)
    check_batch(guider, plan)
    if inversion:
        check_inversion(inversion, plan, guider, controlled.backbone, sigmas, rows.sources(latent))
    continues = inversion is None and not bool(torch.any(noise))
    percent_to_sigma = guider.model_patcher.get_model_object("model_sampling").percent_to_sigma
    layers = controlled.backbone.layers(guider.model_patcher)
    run = Run(control, sigmas.tolist(), percent_to_sigma, layers, rows.pictures, continues)
    log.info(f"Prompt-to-Prompt: {run.summary}")
    for remark in run.said:
        log.warn(controlled.spell(remark))
    if nothing := idle(plan):
        log.warn(controlled.spell(f"{Part.CONTROLLER}: {nothing}"))
    if options.get("wrappers", {}).get(WrappersMP.APPLY_MODEL, {}).pop(COMPILE_KEY, None):
        # the host reuses what it traced without asking for our hooks
        log.warn(
            controlled.spell(f"{Part.CONTROLLER}: torch.compile (Torch Compile Model) is left out while an edit runs.")
        )
    check_edits(run, controlled.backbone, controlled.backbone.replaced(options))
    spread_rows(guider, plan)
    return run


def _keep_findings(record: Record, guider: comfy.samplers.CFGGuider, run: Run, result: torch.Tensor) -> None:
    masks, maps = run.blender.target_masks, tuple(run.reading.watched())
    if masks is not None or maps:
        scale = guider.model_patcher.model.latent_format.spacial_downscale_ratio
        masks = None if masks is None else masks.cpu()
        record.keep(Findings(result.detach().cpu().clone(), masks, maps, scale))


def predict_noise(
    executor: Any,
    x: torch.Tensor,
    timestep: torch.Tensor,
    model_options: dict[str, Any],
    *args: Any,
) -> torch.Tensor:
    """PREDICT_NOISE: read the noise level once for all layers."""
    options = model_options.get("transformer_options", {})
    run: Run | None = options.get(RUN)
    if run is None:
        return executor(x, timestep, model_options, *args)
    sigma = float(timestep.flatten()[0])
    run.begin_call(sigma, x)
    seen, at = run.aim(sigma, x)
    denoised = executor(seen, timestep if at == sigma else torch.full_like(timestep, at), model_options, *args)
    return run.end_call(sigma, x, denoised if seen is x else x - (sigma / at) * (seen - denoised))


def apply_model(backbone: Backbone, executor: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    """APPLY_MODEL: a forward pass of some of the call's prompts (chunks). Where the host splits them over several
    devices, there is one on each at the same time, in threads of their own.
    """
    call, options = ModelCall.of(*args, **kwargs)
    run: Run | None = options.get(RUN)
    if run is None:
        return call_model(executor, call, options)
    tokens = 0 if call.context is None else call.context.shape[1]
    forward = run.forward(options["uuids"], (call.x.shape[-2], call.x.shape[-1]), tokens)
    own = {**options, FORWARD: forward}
    if backbone.needs_override(run):
        own[OVERRIDE] = backbone.override(forward, options.get(OVERRIDE))
    sources: SourceRows = options[SOURCES]
    output = sources.call(executor, call, own, forward)
    backbone.end(forward)
    forward.editor.end()
    return output


def sampler_sample(
    controlled: Controlled,
    executor: Any,
    guider: comfy.samplers.CFGGuider,
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
    sampler: comfy.samplers.Sampler = executor.class_obj
    given = controlled.control.inversion
    inversion = given if isinstance(given, Inversion) else None
    _check_sampler(guider, sampler, run, denoise_mask)
    anchor: Anchor | VirtualAnchor | None = None
    if isinstance(given, VirtualInversion):
        pictures = pictures_to_noise(sampler, run.rows.sources(latent), noise)
        sampling = guider.model_patcher.get_model_object("model_sampling")
        noised = renoising(sampling, pictures, extra_args.get("seed")) if given.fresh_noise else None
        anchor = VirtualAnchor(pictures, run.rows, given.plain_source, noised)
    elif inversion:
        anchor = inversion.anchor(run.rows, noise.device)
        start = run.rows.spread(inversion.trajectory.start.to(noise))
        noise, latent = beginning_at(guider.model_patcher.get_model_object("model_sampling"), sigmas[0], start)
    elif denoise_mask is None and _leaves_nothing_of(latent, noise, sampler.max_denoise(guider, sigmas), sigmas):
        log.warn(
            controlled.spell(
                f"{Part.CONTROLLER}: nothing of the latent's picture is left at denoise 1.0. To edit that picture, "
                f"connect {Part.INVERSION} or {Part.VIRTUAL} to the inversion input; for a new one, use an empty "
                "latent."
            )
        )
    guider.model_options["transformer_options"][SOURCES].begin()
    join_in_model(guider, run.plan.encoded_rows, noise)
    run.prepare(spans(own_entries(guider, run.plan)), anchor)
    draw = refuse_noise if inversion else noise_sampler
    with (
        shared_noise(sampler, draw, noise, run.rows, sigmas, extra_args.get("seed")),
        shared_inpainting_noise(sampler, run.rows),
    ):
        samples = executor(guider, sigmas, extra_args, callback, noise, latent, denoise_mask, *args)
    samples = run.finish(samples)
    if inversion:
        clean = inversion.trajectory.clean
        error = (run.rows.sources(samples) - clean.to(samples)).norm() / clean.norm()
        log.info(f"Prompt-to-Prompt: the source was reconstructed to a relative error of {float(error):.2e}.")
    return samples


def _check_sampler(
    guider: comfy.samplers.CFGGuider, sampler: comfy.samplers.Sampler, run: Run, denoise_mask: torch.Tensor | None
) -> None:
    """Raise EditError for what only shows when the sampler is about to run."""
    check_sampler(sampler)
    check_noise_mask(denoise_mask, run.rows)
    if run.control.inversion and denoise_mask is not None:
        raise EditError(
            "an inverted picture cannot take a noise mask", f"Connect the mask to {Part.BLEND}.", Part.CONTROLLER
        )


def calc_cond_batch(
    executor: Any, model: Any, conds: list[Any], x: torch.Tensor, timestep: torch.Tensor, model_options: dict[str, Any]
) -> list[torch.Tensor]:
    """CALC_COND_BATCH, once for all prompts of a call: what the pair's prompts predict, before guidance."""
    predicted: list[torch.Tensor] = executor(model, conds, x, timestep, model_options)
    run: Run | None = model_options.get("transformer_options", {}).get(RUN)
    for entries, prediction in zip(conds, predicted, strict=True):
        if run and entries and any(run.is_pair(entry.get("uuid")) for entry in entries):
            run.predicted(prediction)
    return predicted


def _leaves_nothing_of(latent: torch.Tensor, noise: torch.Tensor, max_denoise: bool, sigmas: torch.Tensor) -> bool:
    """True if a run from pure noise covers the pictures that the latent holds."""
    return len(sigmas) > 1 and max_denoise and bool(latent.any()) and bool(noise.any())
