"""A graph as a test writes it down: one function a node, one argument a link or a widget.

    pair = encode(demo.clip, "a cat", "a dog")
    edit = watch(swap(pair.edit, end=0.8), "dog")
    controlled = control(demo.model, edit, empty(shape), self_end=0.4)
    made = sample(controlled.model, pair.positive, prompt(demo.clip), controlled.latent, steps=8)

The nodes are run as the host runs them, from their registered classes. What a test does not say is what the node's
widgets show at first. It is here beside the tests, since nothing else builds graphs inside the host's process: the
lab's benches call the method below the nodes, and the tools queue API files on a server.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import nodes
import torch

SIZES = {"demo": (3, 32, 32), "demo wide": (3, 24, 40), "sd15": (4, 16, 16), "sd15 wide": (4, 16, 24)}
SIZES |= {"sd2": (4, 16, 16), "sdxl": (4, 16, 16), "sdxl wide": (4, 24, 16)}

Conditioning = list
Latent = dict[str, Any]


class Checkpoint(NamedTuple):
    """What Load Checkpoint gives; a model with random weights has no VAE."""

    model: Any
    clip: Any
    vae: Any = None


class Pair(NamedTuple):
    """What Encode Prompt Pair gives."""

    positive: Conditioning
    edit: Any


class Controlled(NamedTuple):
    """What Attention Controller gives."""

    model: Any
    latent: Latent


class Inverted(NamedTuple):
    """What DDIM Inversion gives."""

    inversion: Any
    negative: Conditioning
    error: float


def node(name: str, **inputs) -> tuple:
    """The outputs of any node of the pack; what is not said is what the node's widgets show at first."""
    kind = nodes.NODE_CLASS_MAPPINGS[name]
    shown = {slot.id: slot.default for slot in kind.GET_SCHEMA().inputs if getattr(slot, "default", None) is not None}
    return kind.execute(**{**shown, **inputs}).result


def encode(clip, source: str, target: str, more: str = "") -> Pair:
    """Encode Prompt Pair; `more` are further targets, one a line."""
    prompts = {"source_prompt": source, "target_prompt": target, "more_targets": more}
    return Pair(*node("P2P_EncodePromptPair", clip=clip, **prompts))


def swap(edit, start: float = 0.0, end: float = 0.8, **more):
    """Word Swap."""
    return node("P2P_WordSwap", edit=edit, start_percent=start, end_percent=end, **more)[0]


def refine(edit, start: float = 0.0, end: float = 0.8, **more):
    """Refine."""
    return node("P2P_Refine", edit=edit, start_percent=start, end_percent=end, **more)[0]


def reweight(edit, words: str, strength: float = 1.0, start: float = 0.0, end: float = 0.8, **more):
    """Reweight."""
    window = {"start_percent": start, "end_percent": end}
    return node("P2P_Reweight", edit=edit, words=words, strength=strength, **window, **more)[0]


def blend(edit, words: str = "", threshold: float = 0.3, start: float = 0.2, resolution: str = "1/4", **more):
    """Local Blend."""
    named = {"words": words, "threshold": threshold, "start_percent": start, "map_resolution": resolution}
    return node("P2P_LocalBlend", edit=edit, **named, **more)[0]


def watch(edit, words: str = "", resolution: str = "1/4"):
    """Watch Words."""
    return node("P2P_WatchWords", edit=edit, words=words, map_resolution=resolution)[0]


def control(
    model,
    edit,
    latent: Latent,
    self_start: float = 0.0,
    self_end: float = 0.4,
    resolution: str = "1/4",
    inversion=None,
    cache: float = 0.0,
) -> Controlled:
    """Attention Controller, without a source cache: with one, rounding depends on the runs before."""
    windows = {"self_start_percent": self_start, "self_end_percent": self_end, "self_resolution": resolution}
    linked = {} if inversion is None else {"inversion": inversion}
    return Controlled(
        *node("P2P_AttentionController", model=model, edit=edit, latent=latent, **windows, **linked, source_cache=cache)
    )


def invert(
    model,
    positive,
    latent: Latent,
    steps: int,
    scheduler: str = "normal",
    method: str = "direct",
    iterations: int = 0,
    cache: float = 0.0,
    solver: str = "explicit",
    steps_per_call: int = 1,
) -> Inverted:
    """DDIM Inversion, without a source cache."""
    inputs = {"model": model, "positive": positive, "latent": latent, "steps": steps, "scheduler": scheduler}
    how = {"method": method, "fixed_point_iterations": iterations, "solver": solver, "source_cache": cache}
    return Inverted(*node("P2P_DDIMInversion", **inputs, **how, steps_per_call=steps_per_call))


def virtual(**more):
    """Virtual Inversion."""
    return node("P2P_VirtualInversion", **more)[0]


def blend_mask(samples: Latent) -> torch.Tensor:
    """Blend Mask. Returns [N, H, W]."""
    return node("P2P_BlendMask", samples=samples)[0]


def empty(shape: tuple[int, ...]) -> Latent:
    """A latent of one picture, or of one video, of nothing."""
    return {"samples": torch.zeros(1, *shape)}


def rows(latent: Latent, count: int) -> Latent:
    """The same latent `count` times with the same noise: the host's plain run of a pair's batch."""
    return {"samples": latent["samples"].repeat_interleave(count, dim=0), "batch_index": [0] * count}


def prompt(clip, text: str = "") -> Conditioning:
    """CLIP Text Encode."""
    return nodes.CLIPTextEncode().encode(clip, text)[0]


def ksampler(
    model,
    positive: Conditioning,
    negative: Conditioning,
    latent: Latent,
    *,
    seed: int = 7,
    steps: int = 5,
    cfg: float = 4.0,
    sampler: str = "euler",
    scheduler: str = "normal",
    **more,
) -> Latent:
    """KSampler; with start_step and last_step what the advanced one does."""
    return nodes.common_ksampler(model, seed, steps, cfg, sampler, scheduler, positive, negative, latent, **more)[0]


def sample(model, positive: Conditioning, negative: Conditioning, latent: Latent, **options) -> torch.Tensor:
    """The pictures that a KSampler makes. Returns [B, C, H, W]."""
    return ksampler(model, positive, negative, latent, **options)["samples"]


def run_in_parts(
    model, positive: Conditioning, negative: Conditioning, latent: Latent, *, steps: int = 8, split: int = 4
) -> Latent:
    """Two of the host's advanced KSamplers, the second from where the first stops."""
    run_part, args = nodes.KSamplerAdvanced().sample, (7, steps, 4.0, "euler", "normal", positive, negative)
    (first,) = run_part(model, "enable", *args, latent, 0, split, "enable")
    return run_part(model, "disable", *args, first, split, steps, "disable")[0]


def noting(model, what: Callable[[dict[str, Any]], Any]) -> tuple[Any, list]:
    """A clone of a model, and a list that gets what is asked of the arguments of each of its calls."""
    noted: list = []
    clone = model.clone()

    def note(apply, arguments):
        noted.append(what(arguments))
        return apply(arguments["input"], arguments["timestep"], **arguments["c"])

    clone.set_model_unet_function_wrapper(note)
    return clone, noted
