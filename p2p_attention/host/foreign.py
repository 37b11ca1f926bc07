"""Other packs' hooks on a model, as far as they decide whether rows may be left out of its calls."""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Iterator
from typing import Any

from comfy.patcher_extension import WrappersMP

from .backbones.base import OVERRIDE

OURS = __name__.rsplit(".host", 1)[0]
HOOK = "a hook"
IN_THE_MODEL = (WrappersMP.APPLY_MODEL, WrappersMP.DIFFUSION_MODEL)
PER_RUN = {
    "patches",
    "patches_replace",
    "wrappers",
    "callbacks",
    "cond_or_uncond",
    "uuids",
    "sigmas",
    "sample_sigmas",
    "multigpu_thread_device",
    OVERRIDE,
}


class Mark:
    """An object known again as long as it lives; equal to the marks of no other."""

    def __init__(self, thing: object) -> None:
        self._thing = weakref.ref(thing)
        self._hash = id(thing)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mark) and self._thing() is not None and self._thing() is other._thing()


def marked(thing: object) -> Hashable:
    """A mark of an object; of one that cannot be known again, what is equal to nothing."""
    try:
        return Mark(thing)
    except TypeError:
        return object()


def marks(options: dict[str, Any], attention: Any) -> Hashable | None:
    """By what the hooks in a call's transformer_options are known again, and another pack's `attention`; None where
    they may look at the rows of the call, in attention or around the whole model, or cannot be known again.
    """
    try:
        return frozenset(_marks(options, attention))
    except (TypeError, _LooksAtRowsError):
        return None


def has_hooks(marked: Hashable) -> bool:
    """True if there are any hooks among what `marks` gave."""
    return isinstance(marked, frozenset) and any(mark[0] == HOOK for mark in marked)


def is_ours(function: Any) -> bool:
    """True for a function or a class of the pack."""
    function = getattr(function, "func", function)
    return str(getattr(function, "__module__", "")).startswith(OURS)


class Network:
    """What a network is made of once the host has loaded it for a run: its modules, and what stands in for its class's
    methods. Some nodes put others in their place for the time of a call, and what the model gives then is not its own.
    """

    def __init__(self, network: Any) -> None:
        self._network = network
        self._before = self._found()

    @property
    def is_altered(self) -> bool:
        """True while another node has replaced some."""
        now, before = self._found(), self._before
        return now.keys() != before.keys() or any(now[name] is not before[name] for name in before)

    def _found(self) -> dict[str, Any]:
        modules = getattr(self._network, "_modules", {})
        kind, own = type(self._network), vars(self._network)
        return {**modules, **{name: own[name] for name in own if callable(own[name]) and hasattr(kind, name)}}


class _LooksAtRowsError(Exception):
    """A hook that may count rows."""


def _marks(options: dict[str, Any], attention: Any) -> Iterator[Hashable]:
    if attention is not None:
        yield HOOK, "attention", Mark(attention)
    if any(options.get("patches_replace", {}).values()):
        raise _LooksAtRowsError
    for kind in IN_THE_MODEL:
        for functions in options.get("wrappers", {}).get(kind, {}).values():
            if not all(map(is_ours, functions)):
                raise _LooksAtRowsError
    for name, functions in options.get("patches", {}).items():
        for number, function in enumerate(functions):
            if is_ours(function):
                continue
            if "block_patch" not in name:
                raise _LooksAtRowsError
            yield HOOK, name, number, Mark(function)
    for key, value in options.items():
        if key not in PER_RUN and not str(key).startswith("p2p_"):
            yield key, value if value is None or isinstance(value, (str, int, float, tuple)) else Mark(value)
