"""An independent Prompt-to-Prompt: the host's attention modules replaced by ones that build every map and edit it.

Written from the table of the method alone; shares no code with the pack. The edit is given as matrices that the
tests write down themselves.
"""

from __future__ import annotations

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


class Moment:
    """What the modules need to know of the running call."""

    def __init__(self) -> None:
        self.sigma = 0.0
        self.kinds: list[int] = []


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
        maps = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, dim=-1)
        for chunk, kind in enumerate(self.moment.kinds):
            if kind != 0:
                continue
            source, target = 2 * chunk, 2 * chunk + 1
            if self.crosses and inside(self.moment.sigma, self.edit.cross):
                edited = maps[source] @ self.edit.matrix + maps[target] * self.edit.own
                if self.moment.sigma > self.edit.late_until:
                    edited = torch.where(self.edit.late > 0, maps[target], edited)
                maps[target] = edited * self.edit.strength
            within = x.shape[1] <= self.edit.self_pixels
            if not self.crosses and within and inside(self.moment.sigma, self.edit.self_window):
                maps[target] = maps[source]
        return self.layer.to_out((maps @ v).transpose(1, 2).flatten(2))


def materialise(model, edit: Edit):
    """A clone of the model whose attention layers are replaced for as long as the clone samples."""
    clone, moment = model.clone(), Moment()

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
