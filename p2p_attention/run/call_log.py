"""What happened in a run's calls of the model, as the hooks report it."""

from __future__ import annotations

from ..attention.site import Size


class CallLog:
    """Counts for one call of the model, begun anew by `begin`, and for the whole run.

    Of a call: `layers` whose hooks were reached, `tiled` self-attentions that another node cuts up, and for each other
    self-attention while the source's is injected whether it was `injected`. Of the run: `edits` done; `due`, whether
    any were to be done; `present`, whether the pair's prompts were to be in the call, and `was_present` in any; the
    last call's `size`, and the `area` that prompts apply to where it is not all of that. Of what the model itself is
    called with, which may be some prompts of a call: the latent's size `shown`, and the `tokens` of each prompt.
    """

    def __init__(self) -> None:
        self.edits = 0
        self.due = self.present = self.was_present = False
        self.size: Size | None = None
        self.area: Size | None = None
        self.layers = self.tiled = 0
        self.injected: list[bool] = []
        self.shown: Size | None = None
        self.tokens = 0

    def begin(self, size: Size, present: bool, due: bool) -> None:
        """A call of the model begins, for a latent of this size."""
        self.size, self.present = size, present
        self.was_present |= present
        self.due |= due
        self.layers = self.tiled = 0
        self.injected = []

    def shows(self, size: Size, tokens: int) -> None:
        """The model itself is about to be called."""
        self.shown, self.tokens = size, tokens

    def saw_latent(self, size: Size) -> bool:
        """A layer computes for a latent of this size; False if that is only an area of the whole."""
        if size != self.size:
            self.area = size
        return size == self.size
