"""Runs of the benches: a model, and pictures from it in one way of editing at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from p2p_attention.edits.blend_words import included_words
from p2p_attention.edits.column_map import Kind
from p2p_attention.edits.control import Control
from p2p_attention.edits.injection import Injection
from p2p_attention.edits.local_blend import NONE, Keep, LocalBlend, MaskFrom, threshold_map
from p2p_attention.edits.plan import EditPlan
from p2p_attention.edits.reweight import Reweight, Scale
from p2p_attention.edits.self_attention import SelfAttention
from p2p_attention.edits.watched import Watched
from p2p_attention.edits.window import Window
from p2p_attention.host.backbones.base import Backbone
from p2p_attention.host.backbones.registry import backbone_of
from p2p_attention.host.conditioning import Conditioning, encode_pair
from p2p_attention.host.control import control_model
from p2p_attention.host.findings import RECORD
from p2p_attention.host.inversion import invert_picture
from p2p_attention.prompts.search import find_words
from p2p_attention.run.record import Record
from p2p_attention.source.inversion import Inversion, Method, Solver
from p2p_attention.source.virtual import VirtualInversion

from ..boot import host_nodes
from .quality_edits import Way

SHOWN = 0.3
BLEND_START = 0.2


@dataclass(frozen=True, eq=False)
class Edited:
    """Source and target pictures [N, H, W, 3] in 0 … 1, and where the changed words are in either of them, if they were
    watched: [N, H, W] of bool.
    """

    sources: np.ndarray
    targets: np.ndarray
    words: np.ndarray


@dataclass(frozen=True, eq=False)
class Inverted:
    """Real pictures' latent, the noise that they come from under the source prompt, and that prompt's conditioning."""

    latent: dict[str, Any]
    inversion: Inversion
    source: Conditioning


def local_blend(
    plan: EditPlan, threshold: float, about: str, resolution: Fraction, keep: Keep = Keep.LATENT
) -> LocalBlend:
    """A local blend of a plan's one target by the words `about` it, or if there are none by those that changed."""
    (words,) = included_words(about, plan.pairs)
    return LocalBlend(words, threshold, Window(BLEND_START, 1.0), resolution=resolution, keep=keep)


@dataclass(frozen=True)
class Sampler:
    """A model with the settings of its runs: a `sampler` over the `scheduler`'s noise levels, an empty negative prompt.

    `size` is the pictures' (height, width); `resolution` that of the layers whose maps make masks, `self_resolution`
    that of the largest ones with injected self-attention, both as a share of the latent's. With `source_cache` bytes a
    source is computed once for all ways of editing it.
    """

    model: Any
    clip: Any
    vae: Any
    size: tuple[int, int]
    resolution: Fraction
    self_resolution: Fraction
    steps: int
    cfg: float
    sampler: str = "euler"
    scheduler: str = "normal"
    source_cache: int = 0

    @property
    def backbone(self) -> Backbone:
        """How the model attends."""
        backbone = backbone_of(self.model)
        assert backbone is not None
        return backbone

    def empty(self, count: int) -> torch.Tensor:
        """A latent [N, C, H, W] of nothing."""
        form = self.model.get_model_object("latent_format")
        return torch.zeros(count, form.latent_channels, *(side // form.spacial_downscale_ratio for side in self.size))

    def plain(self, prompt: str, count: int, seed: int) -> np.ndarray:
        """The host's own pictures [N, H, W, 3] of a prompt."""
        positive = host_nodes().CLIPTextEncode().encode(self.clip, prompt)[0]
        latent = {"samples": self.empty(count), "batch_index": list(range(count))}
        return self.decoded(self.sampled(self.model, positive, latent, seed))

    def switched(self, prompts: tuple[str, str], at: float, count: int, seed: int) -> np.ndarray:
        """The host's own pictures [N, H, W, 3] of the first prompt until a percent of the schedule, then the second."""
        nodes, positive = host_nodes(), []
        windows = ((0.0, at), (at, 1.0))
        for prompt, window in ((p, w) for p, w in zip(prompts, windows, strict=True) if w[0] < w[1]):
            entry = nodes.CLIPTextEncode().encode(self.clip, prompt)[0]
            positive += nodes.ConditioningSetTimestepRange().set_range(entry, *window)[0]
        latent = {"samples": self.empty(count), "batch_index": list(range(count))}
        return self.decoded(self.sampled(self.model, positive, latent, seed))

    def edit(
        self,
        prompts: tuple[str, str],
        kind: Kind,
        way: Way,
        count: int,
        seed: int,
        *,
        about: str = "",
        watch: bool = False,
        mask: torch.Tensor | None = None,
    ) -> Edited:
        """So many pictures of a source prompt, each edited to the target prompt; `about` names what a blend is by, or
        a `mask` [1, H, W] is.
        """
        positive, plan = encode_pair(self.clip, prompts[0], (prompts[1],))
        return self._edit(positive, plan, kind, way, {"samples": self.empty(count)}, seed, about, watch, mask=mask)

    def invert(
        self,
        pictures: np.ndarray,
        prompts: tuple[str, str],
        iterations: int = 0,
        solver: Solver = Solver.EXPLICIT,
        steps_per_call: int = 1,
    ) -> Inverted:
        """Invert real pictures [N, H, W, 3] in 0 … 1 under the first prompt; the method is direct."""
        positive, _ = encode_pair(self.clip, prompts[0], (prompts[1],))
        latent = self.encoded(pictures)
        how = (Method.DIRECT, iterations, solver, 0, steps_per_call)
        found, source = invert_picture(self.model, positive, latent, self.steps, self.scheduler, *how)
        return Inverted(latent, found, source)

    def edit_inverted(
        self,
        inverted: Inverted,
        prompts: tuple[str, str],
        kind: Kind,
        way: Way,
        *,
        method: Method = Method.DIRECT,
        about: str = "",
        mask: torch.Tensor | None = None,
    ) -> Edited:
        """Edit real pictures; PLAIN is the target prompt on their noise. The methods share what the inversion found."""
        positive, plan = encode_pair(self.clip, prompts[0], (prompts[1],))
        inversion = replace(inverted.inversion, method=method)
        negative = inverted.source if method is Method.NEGATIVE_PROMPT else None
        latent = inverted.latent
        return self._edit(
            positive, plan, kind, way, latent, 0, about, inversion=inversion, negative=negative, mask=mask
        )

    def edit_virtually(
        self,
        pictures: np.ndarray,
        prompts: tuple[str, str],
        kind: Kind,
        way: Way,
        *,
        about: str = "",
        mask: torch.Tensor | None = None,
        denoise: float = 1.0,
        fresh_noise: bool = False,
    ) -> Edited:
        """Edit real pictures [N, H, W, 3] without an inversion pass."""
        positive, plan = encode_pair(self.clip, prompts[0], (prompts[1],))
        given, latent = VirtualInversion(fresh_noise=fresh_noise), self.encoded(pictures)
        return self._edit(positive, plan, kind, way, latent, 0, about, inversion=given, mask=mask, denoise=denoise)

    def image_to_image(self, pictures: np.ndarray, prompt: str, denoise: float) -> np.ndarray:
        """The host's own image-to-image: pictures [N, H, W, 3], noised in part and sampled to a prompt."""
        positive = host_nodes().CLIPTextEncode().encode(self.clip, prompt)[0]
        return self.decoded(self.sampled(self.model, positive, self.encoded(pictures), 0, denoise=denoise))

    def fade(self, prompt: str, word: str, strengths: Sequence[float], count: int, seed: int, way: Way) -> np.ndarray:
        """Pictures [N, 1 + strengths, H, W, 3] of a prompt: as it is, then with a word at each strength."""
        positive, plan = encode_pair(self.clip, prompt, (prompt,))
        target, window = plan.targets[0], Window(0.0, way.cross_end)
        positions = find_words(word, plan.prompts)[0]
        scale = Scale.SCORES if way.scores else Scale.MAP
        words = [Reweight(positions, value, window, scale=scale) for value in strengths]
        plan = plan.with_targets([target.with_reweight(word) for word in words])
        made, _ = self._controlled(positive, plan, way.self_end, {"samples": self.empty(count)}, seed)
        return self.decoded(made).reshape(count, plan.rows, *self.size, 3)

    def _edit(
        self,
        positive: Conditioning,
        plan: EditPlan,
        kind: Kind,
        way: Way,
        latent: dict[str, Any],
        seed: int,
        about: str = "",
        watch: bool = False,
        inversion: Inversion | VirtualInversion | None = None,
        negative: Conditioning | None = None,
        mask: torch.Tensor | None = None,
        denoise: float = 1.0,
    ) -> Edited:
        target, words = plan.targets[0], plan.targets[0].pair.changed
        if way.cross_end:
            target = target.with_injection(Injection(kind, Window(0.0, way.cross_end)))
        if mask is not None:
            target = target.with_blend(LocalBlend(NONE, 0.0, Window(0.0, 1.0), mask=mask, keep=way.keep))
        elif way.blend and way.difference:
            by_difference = LocalBlend(NONE, way.blend, Window(BLEND_START, 1.0), mask_from=MaskFrom.DIFFERENCE)
            target = target.with_blend(by_difference)
        elif way.blend and words:
            blend = local_blend(plan, way.blend, about if way.named else "", self.resolution, way.keep)
            target = target.with_blend(blend)
        plan = plan.with_targets([target])
        if watch:
            seen = [
                [Watched("changed", positions, self.resolution)] if positions else []
                for positions in (words.source, words.target)
            ]
            plan = plan.watching(seen[0], seen[1:])
        made, record = self._controlled(positive, plan, way.self_end, latent, seed, inversion, negative, denoise)
        pictures = self.decoded(made)
        return Edited(pictures[::2], pictures[1::2], self._words(record, made))

    def _controlled(
        self,
        positive: Conditioning,
        plan: EditPlan,
        self_end: float,
        latent: dict[str, Any],
        seed: int,
        inversion: Inversion | VirtualInversion | None = None,
        negative: Conditioning | None = None,
        denoise: float = 1.0,
    ) -> tuple[torch.Tensor, Record]:
        """The finished latent [N · rows, C, H, W] of a run with a plan, and what the run found."""
        self_attention = SelfAttention(Window(0.0, self_end), self.self_resolution)
        control = Control(plan, self_attention, inversion, self.source_cache)
        model, expanded = control_model(self.model, latent, control)
        return self.sampled(model, positive, expanded, seed, negative, denoise), expanded[RECORD]

    def sampled(
        self,
        model: Any,
        positive: Conditioning,
        latent: dict[str, Any],
        seed: int,
        negative: Conditioning | None = None,
        denoise: float = 1.0,
    ) -> torch.Tensor:
        """The finished latent of the host's KSampler; without a negative prompt it is an empty one."""
        negative = negative or host_nodes().CLIPTextEncode().encode(self.clip, "")[0]
        sampled = host_nodes().common_ksampler(
            model, seed, self.steps, self.cfg, self.sampler, self.scheduler, positive, negative, latent, denoise
        )
        return sampled[0]["samples"]

    def encoded(self, pictures: np.ndarray) -> dict[str, Any]:
        """The latent of pictures [N, H, W, 3] in 0 … 1."""
        return {"samples": self.vae.encode(torch.from_numpy(pictures).float())}

    def decoded(self, latent: torch.Tensor) -> np.ndarray:
        """The pictures [N, H, W, 3] in 0 … 1 of a latent [N, C, H, W]."""
        return self.vae.decode(latent).clamp(0, 1).cpu().float().numpy()

    def _words(self, record: Record, latent: torch.Tensor) -> np.ndarray:
        """Where the maps of watched words exceed the threshold of their maximum: [N, H, W] of bool."""
        where = np.zeros((len(latent) // 2, *self.size), bool)
        found = record.of(latent)
        for one in found.maps if found else ():
            where[one.row // 2] |= threshold_map(one.map, SHOWN, self.size)[0].bool().numpy()
        return where
