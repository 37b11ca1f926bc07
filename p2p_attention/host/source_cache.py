"""The one store of sources, and when it is emptied.

It is the process's, not the graph's: a changed edit makes a new Controller run, with a new clone of the model, which
must find what the last one's runs recorded. Recordings hold the model that they are of weakly, so they go with it when
the graph lets go of it, and when the host unloads it.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import comfy.model_patcher
import comfy.samplers
from comfy.patcher_extension import CallbacksMP

from ..run.run import Run
from ..source.cache import SourceCache
from ..source.shelf import Shelf
from . import log
from .backbones.base import KEY, OVERRIDE, Backbone
from .fingerprint import model_identity
from .foreign import is_ours, marked
from .source_rows import SourceRows

CACHE = SourceCache()


def empty_with(clone: comfy.model_patcher.ModelPatcher) -> None:
    """Empty the store of a model's recordings when the host unloads this clone of it."""
    clone.add_callback_with_key(CallbacksMP.ON_DETACH, KEY, _unloaded)


def _unloaded(patcher: Any, unpatch_all: bool) -> None:
    """The host only swaps clones of a model where it does not unpatch all."""
    if unpatch_all:
        CACHE.forget(patcher.model)


def source_rows(guider: comfy.samplers.CFGGuider, run: Run, backbone: Backbone) -> SourceRows:
    """What a run does about its sources' rows."""
    model, options = guider.model_patcher, guider.model_options["transformer_options"]
    hooked = any("hooks" in entry for entries in guider.conds.values() for entry in entries)
    attention, budget = options.get(OVERRIDE), run.control.source_cache
    if hooked and budget:
        log.info("Prompt-to-Prompt: source cache: not used, for hooks change the model in the middle of the run.")
    if hooked or not budget:
        return SourceRows(run, model.model, None, attention, None)
    identity, shelf = recorded_identity(model, backbone), Shelf(model.model, CACHE, budget)
    return SourceRows(run, model.model, identity, attention, shelf)


def recorded_identity(model: comfy.model_patcher.ModelPatcher, backbone: Backbone) -> Hashable:
    """A model with its patches, the objects that other nodes put into it, and the noise levels that it knows."""
    sampling = model.get_model_object("model_sampling")
    objects = frozenset(
        (name, marked(thing)) for name, thing in model.object_patches.items() if not is_ours(type(thing))
    )
    return hash(model_identity(model, backbone)), objects, float(sampling.sigma_min), float(sampling.sigma_max)
