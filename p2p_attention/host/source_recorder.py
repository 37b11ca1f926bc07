"""Records the sources of an inversion: what the model gives for a picture at each point of its trajectory is what the
edit's run would compute there for its source's row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import comfy.model_patcher
import torch
from comfy.patcher_extension import WrappersMP

from ..edits.window import Window
from ..source.cache import Asked, Entry, Need
from ..source.provider import Observer
from ..source.replay import Replay
from ..source.shelf import Shelf
from .backbones.base import KEY, OVERRIDE, Backbone
from .fingerprint import Fingerprints
from .foreign import Network, marks
from .model_call import ModelCall, call_model
from .source_cache import CACHE, empty_with, recorded_identity
from .source_rows import CONTROLLED, HOOKED, REPLACED

CROSS, SELF = Window(0.0, 0.8), Window(0.0, 0.4)
WITHIN = Fraction(1, 4)


class SourceRecorder:
    """Records calls of a clone of `model`, for a run that injects in the usual windows; other edits add to it.

    Of the calls that `replay` says a run repeats it keeps the latent and the attention's input, within `budget` bytes.
    """

    def __init__(
        self, model: comfy.model_patcher.ModelPatcher, backbone: Backbone, budget: int, replay: Replay
    ) -> None:
        self._backbone, self._layers = backbone, backbone.layers(model)
        self._identity = recorded_identity(model, backbone)
        to_sigma = model.get_model_object("model_sampling").percent_to_sigma
        self._cross, self._self = CROSS.to_sigmas(to_sigma), SELF.to_sigmas(to_sigma)
        self._attention = model.model_options["transformer_options"].get(OVERRIDE)
        self._shelf = Shelf(model.model, CACHE, budget)
        self._fingerprints = Fingerprints()
        self._network: Network | None = None
        self._replay, self._why = replay, ""
        self._next: tuple[float, float] | None = None
        self.clone = model.clone()
        backbone.attach(self.clone)
        self.clone.add_wrapper_with_key(WrappersMP.APPLY_MODEL, KEY, self._apply_model)
        empty_with(self.clone)

    def next_is(self, step: int, levels: Sequence[float], least: float) -> None:
        """The next call of the model is the first of an inversion's step (see `Replay.call`)."""
        self._next = self._replay.call(step, levels, least)
        self._network = self._network or Network(self.clone.model.diffusion_model)

    @property
    def waits(self) -> bool:
        """True if the next call is to be recorded."""
        return self._next is not None

    def finish(self) -> Iterator[str]:
        """The inversion went through: keep what was recorded, and say so."""
        self._shelf.keep()
        said = f"nothing is recorded, for {self._why}" if self._why else f"recorded with the inversion; {self._shelf}"
        yield f"source cache: {said}."

    def _need(self, sigma: float) -> Need:
        return Need.of(self._layers, sigma in self._cross, WITHIN if sigma in self._self else None)

    def _apply_model(self, executor: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        call, options = ModelCall.of(*args, **kwargs)
        following, self._next = self._next, None
        hooks = marks(options, self._attention)
        if following is None or len(options["uuids"]) != 1:
            return call_model(executor, call, options)
        altered = self._network is not None and self._network.is_altered
        if altered or hooks is None or call.control is not None:
            self._why = REPLACED if altered else HOOKED if hooks is None else CONTROLLED
            return call_model(executor, call, options)
        (sigma, of), rows = following, slice(0, len(call.x), 1)
        need, conditioning = self._need(of), self._fingerprints.of(call.conditioning(rows))
        entry = Entry(Asked(sigma, (self._identity, hooks), conditioning), call.x.detach().to("cpu", copy=True))
        observer = Observer(need, self._layers, partial(self._shelf.store, entry))
        output = call_model(executor, call, self._backbone.observed(options, observer, call.x, call.context))
        self._shelf.add(entry, output, need)
        return output
