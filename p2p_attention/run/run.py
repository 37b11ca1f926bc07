"""One sampling run under control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..attention.kept import Kept
from ..attention.site import Layers, Size
from ..edits.control import Control
from ..edits.reweight import Scale
from ..quote import quote
from ..source.cache import Need
from ..source.trajectory import Anchor
from ..source.virtual import VirtualAnchor
from .blender import Blender
from .call_log import CallLog
from .diagnosis import check_call, check_run
from .difference import Difference
from .effect import Counts, mask_remarks, remarks
from .forward import Forward
from .reading import Reading
from .schedule import PercentToSigma, Schedule
from .steps import Steps


class Run:
    """The state of one run over `pictures` pictures, each a source and its targets, at the noise levels `sigmas`.

    The sampler's side tells it when a call of the model begins and ends; in between, the backbone's hooks ask a
    `Forward` and report to it, one for each pass. `continues` is true for a run that takes up another's latent;
    `layers` says how the model's layers are chosen. Raises EditError for a window that no step falls in; what is only
    worth a remark of them is `said`.
    """

    def __init__(
        self,
        control: Control,
        sigmas: Sequence[float],
        percent_to_sigma: PercentToSigma,
        layers: Layers,
        pictures: int = 1,
        continues: bool = False,
    ) -> None:
        self.control, self.plan, self.layers = control, control.plan, layers
        self.rows = self.plan.layout(pictures)
        self.log = CallLog()
        self._schedule = Schedule(self.plan, control.self_attention, percent_to_sigma)
        self._steps = Steps(sigmas, percent_to_sigma, continues)
        phases = [(sigma, self._schedule.phase(sigma)) for sigma in self._steps.sigmas]
        edited = [sigma for sigma, phase in phases if phase.edits_cross]
        self._counts = Counts(len(edited), sum(phase.injects_self for _, phase in phases), len(phases))
        self.adds_rows = any(phase.adds_rows for _, phase in phases)
        self.scales_scores = any(
            reweight.acts and reweight.scale is Scale.SCORES
            for target in self.plan.targets
            for reweight in target.reweights
        )
        self.renormalises = any(reweight.renormalise for target in self.plan.targets for reweight in target.reweights)
        self.difference = Difference(self.rows, self._steps.sigmas)
        self.blender = Blender(self.plan.targets, self.rows, percent_to_sigma, self.difference)
        self.reading = Reading(self.plan, self.rows, self.blender.word_maps(), edited, len(phases), layers)
        self.said = [*self._steps.check([*self._schedule.windows()], self.blender.windows())]
        self.phase = self._schedule.phase(0.0)
        self.sigma = self.asked_at = 0.0
        self._forwards: list[Forward] = []
        self._read = 0
        self.kept: Kept | None = None
        self._keeps = False
        self._predicted: torch.Tensor | None = None
        self._spans: Mapping[Any, tuple[float, float]] = {}
        self._anchor: Anchor | VirtualAnchor | None = None

    @property
    def summary(self) -> str:
        """What the run is to do, in a line."""
        prompts = ", ".join(dict.fromkeys(quote(prompt.text) for prompt in self.plan.prompts))
        return f"{quote(self.plan.source.text)} → {prompts}; {self._counts}."

    def prepare(self, spans: Mapping[Any, tuple[float, float]], anchor: Anchor | VirtualAnchor | None) -> None:
        """The sampler is about to begin. `spans` has the conditionings that hold the pair's rows, by their uuid, with
        the highest and the lowest noise level of each one's timestep range; `anchor` holds inverted sources.
        """
        self._spans, self._anchor = spans, anchor

    def begin_call(self, sigma: float, latent: torch.Tensor) -> None:
        """The model is about to be called at a noise level, for a latent [rows, C, H, W], which is brought in line."""
        self.sigma, self.phase = sigma, self._schedule.phase(sigma)
        self.reading.begin_call(sigma)
        self.kept = None
        if self.blender.keeps_values:
            self.blender.update(sigma, self.reading.maps.sums, latent)
            self.kept = None if self.blender.mask is None else Kept(self.blender.mask)
            self._keeps |= self.kept is not None
        present = any(low <= sigma <= high for high, low in self._spans.values())
        self.log.begin((latent.shape[-2], latent.shape[-1]), present, self.acts)
        self._forwards, self._predicted = [], None
        if self._anchor:
            self._anchor.place(latent, sigma)
        self.blender.blend(latent)

    def forward(self, uuids: Sequence[Any], size: Size, tokens: int) -> Forward:
        """A pass of the running call begins, of prompts (chunks) with these uuids, of so many tokens each, for a latent
        of this size; the host may run several at a time, in threads of their own.
        """
        forward = Forward(self, uuids, size, tokens)
        self._forwards.append(forward)
        return forward

    def aim(self, sigma: float, latent: torch.Tensor) -> tuple[torch.Tensor, float]:
        """What the model is to see for a latent [rows, C, H, W] that was brought in line, and at which noise level."""
        seen, self.asked_at = self._anchor.aim(latent, sigma) if self._anchor else (latent, sigma)
        return seen, self.asked_at

    def is_pair(self, uuid: Any) -> bool:
        """True for a conditioning that holds the pair's rows."""
        return uuid in self._spans

    def predicted(self, conditional: torch.Tensor) -> None:
        """The pair's prompts predict this [rows, C, H, W] in the running call, before guidance; its first time counts,
        for guidance may call the model again, changed.
        """
        self._predicted = conditional if self._predicted is None else self._predicted

    def end_call(self, sigma: float, latent: torch.Tensor, denoised: torch.Tensor) -> torch.Tensor:
        """The model was called, for a latent [rows, C, H, W]. Returns its prediction, brought in line.

        Raises EditError if an edit was due and could not act.
        """
        self._gather(latent.device)
        check_call(self.log, self.phase, self.reading, self.control.self_attention, self.kept is not None)
        if self._predicted is not None and self.blender.compares:
            self.difference.add(sigma, self._predicted)
        self.blender.update(sigma, self.reading.maps.sums, latent)
        if self._anchor:
            self._anchor.lead(denoised, sigma, self._predicted)
        self.blender.measure(denoised)
        return self.blender.blend(denoised)

    def _gather(self, device: torch.device) -> None:
        """Put together what the call's passes report, on the run's device, in an order that does not depend on which of
        them was done first.
        """
        forwards, self._forwards = self._forwards, []
        for forward in sorted(forwards, key=self._place):
            self.log.add(forward.log)
            self._read += forward.editor.read
            for layer in forward.editor.maps:
                layer.maps.add(layer, device)

    def _place(self, forward: Forward) -> int:
        """The place of a pass's first prompt among the pair's conditionings."""
        return next((place for place, uuid in enumerate(self._spans) if uuid in forward.uuids), -1)

    def finish(self, latent: torch.Tensor) -> torch.Tensor:
        """The sampler is done with a latent [rows, C, H, W]. Returns it, brought in line."""
        if self._anchor:
            self._anchor.finish(latent)
        return self.blender.blend(latent)

    def end(self) -> None:
        """The run is over. Raises EditError if edits were due but the pair's rows never came by.

        In a part of a split schedule the pair's timestep range may leave all steps out.
        """
        if self.log.size and (self.log.was_present or self._steps.are_all):
            never_kept = self.blender.keeps_values and self.blender.mask is not None and not self._keeps
            check_run(self.log, self.reading, self.renormalises and not self._read, never_kept)
            if self.blender.compares:
                self.difference.check()

    @property
    def acts(self) -> bool:
        """True if anything is edited or kept in the running call."""
        return self.phase.acts or self.kept is not None

    @property
    def needs_attention(self) -> bool:
        """True if the running call must come by where attention is computed: to add rows, read maps, or renormalise."""
        return self.phase.adds_rows or self.renormalises or bool(self.reading.due)

    @property
    def needs_of_source(self) -> Need:
        """What the running call takes of the source's attention."""
        cross = self.phase.edits_cross or self.needs_attention
        return Need.of(self.layers, cross, self.control.self_attention.resolution if self.phase.injects_self else None)

    @property
    def anchor(self) -> Anchor | None:
        """What holds inverted sources so that their own predictions are never used, if anything does."""
        anchor = self._anchor
        if isinstance(anchor, Anchor) and not self.blender.compares:
            return anchor
        return None

    def remarks(self, latent: torch.Tensor, guidance: float | None = None) -> list[str]:
        """What to say of targets that hardly differ from their source in the finished latent [rows, C, H, W].

        `guidance` is the sampler's cfg, if it has one.
        """
        if self._steps.last > 0:
            return []
        masks = self.blender.target_masks
        said = remarks(self.plan, latent, self.reading.share, self._counts, masks, guidance)
        return [*mask_remarks(self.plan, masks, self.blender.missed), *said]
