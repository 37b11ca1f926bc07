"""One call of the model as the host makes it, and the same with fewer rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, eq=False)
class ModelCall:
    """What the host gives APPLY_MODEL besides its transformer_options: the latent `x` [R, C, H, W], the noise levels
    `t` [R], and what conditions the rows.
    """

    x: torch.Tensor
    t: torch.Tensor
    concat: torch.Tensor | None
    context: torch.Tensor | None
    control: Any
    more: dict[str, Any]

    @classmethod
    def of(
        cls,
        x: torch.Tensor,
        t: torch.Tensor,
        c_concat: torch.Tensor | None = None,
        c_crossattn: torch.Tensor | None = None,
        control: Any = None,
        transformer_options: dict[str, Any] | None = None,
        **more: Any,
    ) -> tuple[ModelCall, dict[str, Any]]:
        """The call that APPLY_MODEL's arguments make, and its transformer_options."""
        options = {} if transformer_options is None else transformer_options
        return cls(x, t, c_concat, c_crossattn, control, more), options

    @property
    def follows_rows(self) -> bool:
        """True if all that conditions the model is dealt out row by row, or is for all rows alike."""
        return all(len(tensor) in (1, len(self.x)) for tensor in _tensors((self._conditions, self.control)))

    def only(self, rows: torch.Tensor) -> ModelCall:
        """The same call of some rows."""
        picked = _pick((self.concat, self.context, self.control, self.more), rows, len(self.x))
        return ModelCall(self.x[rows], self.t[rows], *picked)

    def conditioning(self, rows: slice) -> list[torch.Tensor]:
        """All that conditions some rows, a ControlNet aside."""
        return [tensor[rows] if len(tensor) == len(self.x) else tensor for tensor in _tensors(self._conditions)]

    @property
    def _conditions(self) -> tuple[Any, ...]:
        return self.concat, self.context, [self.more[key] for key in sorted(self.more)]


def call_model(executor: Any, call: ModelCall, options: dict[str, Any]) -> torch.Tensor:
    """The model's prediction [R, C, H, W]."""
    made: torch.Tensor = executor(call.x, call.t, call.concat, call.context, call.control, options, **call.more)
    return made


def scatter(output: torch.Tensor, rows: torch.Tensor, total: int) -> torch.Tensor:
    """What the model gave for some rows, [len(rows), …], as rows of the whole call [total, …]; others are 0."""
    whole = output.new_zeros(total, *output.shape[1:])
    whole[rows] = output
    return whole


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if torch.is_tensor(value):
        if value.ndim:
            yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _tensors(part)


def _pick(value: Any, rows: torch.Tensor, total: int) -> Any:
    """The rows of every tensor [total, …], however deep; those of one row are for all."""
    if torch.is_tensor(value):
        return value[rows] if value.ndim and len(value) == total else value
    if isinstance(value, dict):
        return {key: _pick(part, rows, total) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_pick(part, rows, total) for part in value)
    return value
