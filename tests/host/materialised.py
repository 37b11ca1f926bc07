"""An independent Prompt-to-Prompt: the host's attention modules replaced by ones that build every map and edit it.

Written from the table of the method alone; shares no code with the pack. The edit is given as matrices that the
tests write down themselves.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from comfy.ldm.modules.attention import BasicTransformerBlock


@dataclass
class Edit:
    """Columns injected by `matrix` [S, T], own ones where `own` [T] is 1, times `strength` [T]; windows high ≥ σ > low.

    Columns where `late` [T] is 1 keep the target's own map as long as σ > `late_until`.
    """

    matrix: torch.Tensor
    own: torch.Tensor
    strength: torch.Tensor
    late: torch.Tensor
    cross: tuple[float, float]
    self_window: tuple[float, float]
    self_pixels: int
    late_until: float
    renormalise: bool = False


@dataclass
class Blend:
    """A local blend: words as columns [T] of the source's and the target's map, read in layers of a (height, width)."""

    source: torch.Tensor
    target: torch.Tensor
    layer: tuple[int, int]
    threshold: float
    start: float


class Moment:
    """What the modules need to know of the running call."""

    def __init__(self) -> None:
        self.sigma = 0.0
        self.kinds: list[int] = []
        self.blend: Blend | None = None
        self.heat: list[torch.Tensor] = []


def inside(sigma: float, window: tuple[float, float]) -> bool:
    return window[0] >= sigma > window[1]


class Materialised(torch.nn.Module):
    """One attention layer with its map in memory; row 0 of each conditional chunk is the source, row 1 the target."""

    def __init__(self, layer, edit: Edit, moment: Moment, crosses: bool) -> None:
        super().__init__()
        self.layer, self.edit, self.moment, self.crosses = layer, edit, moment, crosses

    def forward(self, x, context=None, value=None, mask=None, transformer_options=None):
        heads = self.layer.heads
        context = x if context is None else context

        def split(t):
            return t.view(t.shape[0], t.shape[1], heads, -1).transpose(1, 2)

        q, k, v = split(self.layer.to_q(x)), split(self.layer.to_k(context)), split(self.layer.to_v(context))
        maps = torch.softmax((q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5, dim=-1)
        for chunk, kind in enumerate(self.moment.kinds):
            if kind != 0:
                continue
            source, target = 2 * chunk, 2 * chunk + 1
            if self.crosses and inside(self.moment.sigma, self.edit.cross):
                edited = maps[source] @ self.edit.matrix + maps[target] * self.edit.own
                if self.moment.sigma > self.edit.late_until:
                    edited = torch.where(self.edit.late > 0, maps[target], edited)
                maps[target] = edited * self.edit.strength
                if self.edit.renormalise:
                    maps[target] /= (edited * self.edit.strength.abs()).sum(dim=-1, keepdim=True)
            blend = self.moment.blend
            if self.crosses and blend and x.shape[1] == blend.layer[0] * blend.layer[1]:
                both = torch.stack([maps[source] @ blend.source, maps[target] @ blend.target])
                self.moment.heat.append(both.mean(dim=1).view(2, *blend.layer))
            within = x.shape[1] <= self.edit.self_pixels
            if not self.crosses and within and inside(self.moment.sigma, self.edit.self_window):
                maps[target] = maps[source]
        return self.layer.to_out((maps @ v.float()).to(v).transpose(1, 2).flatten(2))


def materialise(model, edit: Edit, moment: Moment | None = None):
    """A clone of the model whose attention layers are replaced for as long as the clone samples."""
    clone, moment = model.clone(), moment or Moment()

    def remember(apply_model, arguments):
        moment.sigma = float(arguments["timestep"][0])
        moment.kinds = arguments["cond_or_uncond"]
        return apply_model(arguments["input"], arguments["timestep"], **arguments["c"])

    clone.set_model_unet_function_wrapper(remember)
    unet = model.get_model_object("diffusion_model")
    for name, block in unet.named_modules():
        if isinstance(block, BasicTransformerBlock):
            for part, crosses in (("attn1", False), ("attn2", True)):
                layer = Materialised(getattr(block, part), edit, moment, crosses)
                clone.add_object_patch(f"diffusion_model.{name}.{part}", layer)
    return clone


def blended_euler(moment: Moment):
    """A sampler function: Euler's method, with x blended after every step as the paper's "local editing" says."""

    def sampler(model, x, sigmas, extra_args=None, callback=None, disable=None):
        for sigma, following in itertools.pairwise(sigmas):
            denoised = model(x, sigma.expand(2), **(extra_args or {}))
            x = x + (x - denoised) / sigma * (following - sigma)
            if sigma <= moment.blend.start:
                heat = torch.stack(moment.heat).sum(dim=0)[:, None]
                heat = torch.nn.functional.max_pool2d(heat, 3, stride=1, padding=1)
                heat = torch.nn.functional.interpolate(heat, size=x.shape[-2:], mode="bilinear")
                mask = (heat > moment.blend.threshold * heat.amax(dim=(2, 3), keepdim=True)).any(dim=0)
                x[1] = torch.where(mask, x[1], x[0])
        return x

    return sampler
