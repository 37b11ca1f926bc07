"""By what a model and a prompt are known again."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Hashable, Iterator
from typing import Any

import comfy.model_patcher
import torch

from .backbones.base import Backbone

READ = 64


def fingerprint(tensor: torch.Tensor) -> Hashable:
    """Equal for equal values."""
    data = tensor.detach().float().cpu().contiguous().numpy().tobytes()
    return hashlib.sha256(data).hexdigest()


class Fingerprints:
    """Fingerprints of lists of tensors, made anew only where one is not as it was lately."""

    def __init__(self) -> None:
        self._known: deque[tuple[list[torch.Tensor], Hashable]] = deque(maxlen=8)

    def of(self, tensors: list[torch.Tensor]) -> Hashable:
        """Equal for equal tensors."""
        for known, made in tuple(self._known):  # another device's thread may add one meanwhile
            if len(known) == len(tensors) and all(map(_are_equal, known, tensors)):
                return made
        made = tuple((tuple(tensor.shape), fingerprint(tensor)) for tensor in tensors)
        self._known.append(([tensor.clone() for tensor in tensors], made))
        return made


def _are_equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    alike = one.shape == other.shape and one.dtype == other.dtype and one.device == other.device
    return alike and torch.equal(one, other)


def model_identity(model: comfy.model_patcher.ModelPatcher, backbone: Backbone) -> Hashable:
    """Equal for the same weights under the same LoRAs, also when they were loaded twice, and whatever is loaded now."""
    small = [entry for prefix in backbone.weights for entry in model.get_key_patches(prefix).items()]
    weights = tuple(fingerprint(parts[0][0]) for _, parts in small)  # as they are without the patches that follow
    patches = {str(key): tuple(map(_patch_identity, parts)) for key, parts in model.patches.items()}
    predicts = tuple(base.__name__ for base in type(model.get_model_object("model_sampling")).__mro__)
    return predicts, weights, tuple(sorted(patches.items()))


def _patch_identity(patch: tuple[Any, ...]) -> Hashable:
    """Of a LoRA's patch of one weight: its strengths, and the beginnings of its tensors."""
    strength, value, strength_model = patch[:3]
    return strength, strength_model, tuple(fingerprint(part.flatten()[:READ]) for part in _tensors(value))


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """The tensors of a patch, however deep: the host has tuples, and objects with `weights`."""
    if torch.is_tensor(value):
        yield value
    for part in value if isinstance(value, (tuple, list)) else (getattr(value, "weights", None) or ()):
        yield from _tensors(part)
