"""What a user's graph does, in a few calls: encode, edit, sample with the host's ordinary KSampler."""

from __future__ import annotations

import nodes
import torch

SIZES = {"demo": (3, 32, 32), "demo wide": (3, 24, 40), "sd15": (4, 16, 16), "sd15 wide": (4, 16, 24)}
SIZES |= {"sd2": (4, 16, 16), "sdxl": (4, 16, 16), "sdxl wide": (4, 24, 16)}


def empty(shape: tuple[int, int, int]) -> dict:
    return {"samples": torch.zeros(1, *shape)}


def negative(clip, text: str = "") -> list:
    return nodes.CLIPTextEncode().encode(clip, text)[0]


def sample(
    model, positive, negative_, latent, *, seed=7, steps=5, cfg=4.0, sampler="euler", scheduler="normal", **more
):
    """The latent that the host's KSampler makes. Returns [B, C, H, W]."""
    made = nodes.common_ksampler(model, seed, steps, cfg, sampler, scheduler, positive, negative_, latent, **more)
    return made[0]["samples"]


def sample_in_parts(model, positive, negative_, latent, *, steps=8, split=4) -> dict:
    """The latent that two of the host's advanced KSamplers make, the second from where the first stops."""
    run, args = nodes.KSamplerAdvanced().sample, (7, steps, 4.0, "euler", "normal", positive, negative_)
    (first,) = run(model, "enable", *args, latent, 0, split, "enable")
    return run(model, "disable", *args, first, split, steps, "disable")[0]


def rows(latent: dict, count: int) -> dict:
    """The same latent `count` times with the same noise: the host's plain run of a pair's batch."""
    return {"samples": latent["samples"].repeat(count, 1, 1, 1), "batch_index": [0] * count}
