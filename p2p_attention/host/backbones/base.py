"""What the pack must know of a family of models: how its attention is reached, and what fits it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import comfy.model_patcher
import torch

from ...attention.site import Layers
from ...edits.presets import Presets
from ...run.forward import Forward
from ...run.run import Run
from ...source.provider import Observer

KEY = "p2p"
"""Of the pack's wrappers and callbacks among those of a model."""
RUN = "p2p_run"
FORWARD = "p2p_forward"
OVERRIDE = "optimized_attention_override"
Attention = Callable[..., torch.Tensor]


def chained(function: Attention, before: Attention | None) -> Attention:
    """The host's attention, inside the override that was there `before` ours, if one was."""
    return function if before is None else partial(before, function)


class Backbone(Protocol):
    """A way of attending. Of a model it keeps nothing; a pass is found in `transformer_options[FORWARD]`."""

    @property
    def weights(self) -> tuple[str, ...]:
        """Prefixes of a few small weights by which a model is known again."""

    @property
    def text_layers(self) -> tuple[str, ...]:
        """Names of linear layers that take in the text; a model has one of them."""

    @property
    def presets(self) -> Presets:
        """What "keep the layout" and the like mean for its windows."""

    @property
    def renormalises(self) -> bool:
        """True if reweighted maps can be renormalised."""

    @property
    def scales_scores(self) -> bool:
        """True if a reweight can scale scores before the softmax."""

    @property
    def keeps_values(self) -> bool:
        """True if a local blend can keep what attention reads of the source."""

    def attach(self, clone: comfy.model_patcher.ModelPatcher) -> None:
        """Patch a clone, once, so that its attention comes by; without a pass that changes nothing."""

    def needs_override(self, run: Run) -> bool:
        """True if the running call needs the override."""

    def override(self, forward: Forward, before: Attention | None) -> Attention:
        """The host's `optimized_attention_override` for a pass of a call that needs one, around the one that is there
        `before`.
        """

    def observed(
        self, options: dict[str, Any], observer: Observer, x: torch.Tensor, context: torch.Tensor | None
    ) -> dict[str, Any]:
        """The transformer_options with which one call of the model, of a latent `x` [R, C, …, H, W] and a conditioning
        [R, T, C], shows the observer what its attentions take in.
        """

    def end(self, forward: Forward) -> None:
        """A pass is over. Raises NothingActedError for an edit that could not act in it."""

    def layers(self, model: comfy.model_patcher.ModelPatcher) -> Layers:
        """How "which layers" is read for the model."""

    def least_sides(self, model: comfy.model_patcher.ModelPatcher) -> int:
        """The shortest side of a latent that the model can compute."""

    def replaced(self, options: dict[str, Any]) -> bool:
        """True if another node computes this family's cross-attention itself, by a run's transformer_options."""
