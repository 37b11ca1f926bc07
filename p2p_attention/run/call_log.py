"""What happened in a run's calls of the model, as the hooks report it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..attention.site import Size


@dataclass
class ForwardLog:
    """Counts for one forward pass: `layers` whose hooks were reached, `edits` done, `tiled` self-attentions that
    another node cuts up, and for each other self-attention while the source's is injected whether it was `injected`;
    the `area` that prompts apply to where it is not all of the latent.
    """

    edits: int = 0
    layers: int = 0
    tiled: int = 0
    injected: list[bool] = field(default_factory=list)
    area: Size | None = None


class CallLog:
    """Counts for one call of the model, begun anew by `begin`, and for the whole run.

    Of a call: `layers`, `tiled` and `injected` of all its passes (see `ForwardLog`). Of the run: `edits` done; `due`,
    whether any were to be done; `present`, whether the pair's prompts were to be in the call, and `was_present` in any;
    the last call's `size`, and the `area` that prompts apply to where it is not all of that.
    """

    def __init__(self) -> None:
        self.edits = 0
        self.due = self.present = self.was_present = False
        self.size: Size | None = None
        self.area: Size | None = None
        self.layers = self.tiled = 0
        self.injected: list[bool] = []

    def begin(self, size: Size, present: bool, due: bool) -> None:
        """A call of the model begins, for a latent of this size."""
        self.size, self.present = size, present
        self.was_present |= present
        self.due |= due
        self.layers = self.tiled = 0
        self.injected = []

    def add(self, forward: ForwardLog) -> None:
        """A pass of the call is over."""
        self.edits += forward.edits
        self.layers += forward.layers
        self.tiled += forward.tiled
        self.injected += forward.injected
        self.area = forward.area or self.area
