"""What the bench of real pictures tries: inversions and other ways to start from a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from p2p_attention.edits.presets import Presets
from p2p_attention.source.inversion import Method, Solver

from .quality_edits import LAYOUT, Way

GUIDANCE = (1.0, 4.0, 7.5)
MASKED = 4.0
STEPS = 20
FEW = 8
STRENGTH = 0.6
FREE = "free the shape"
DIRECT = "direct"
CLOSE = 0.5  # a threshold above the node's 0.3
VARIED = 5


@dataclass(frozen=True)
class RealWay(Way):
    """A way of editing real pictures: besides, the inversion's method, if there is one, and how it was solved; or with
    a `virtual` one and by which sampler, or the host's image-to-image at some `denoise`. A `variant` of another way is
    measured on one edit in VARIED only.
    """

    method: Method | None = None
    iterations: int = 0
    solver: Solver = Solver.EXPLICIT
    steps_per_call: int = 1
    virtual: str = ""
    denoise: float = 0.0
    variant: bool = field(default=False, repr=False)  # as `keep` of Way

    @property
    def is_masked(self) -> bool:
        """True if it is run with the right edit's own mask too."""
        return bool(self.method or self.virtual) and not self.blend


def real_ways(presets: Presets) -> tuple[RealWay, ...]:
    """All ways, with a model's windows by name."""
    layout, free = presets[LAYOUT], presets[FREE]
    way = partial(RealWay, cross_end=layout.cross_end, self_end=layout.self_end)
    direct = partial(way, method=Method.DIRECT)
    return (
        way("same seed, no inversion"),
        way("prompt switched at 0.2, no inversion", switch=0.2),
        way(f"image to image, {STRENGTH:g}", denoise=STRENGTH),
        way("DDIM", method=Method.DDIM),
        way("negative prompt", method=Method.NEGATIVE_PROMPT),
        way("negative prompt, 2 fixed-point iterations", method=Method.NEGATIVE_PROMPT, iterations=2, variant=True),
        way("negative prompt, implicit", method=Method.NEGATIVE_PROMPT, solver=Solver.IMPLICIT, variant=True),
        direct(DIRECT),
        way("aligned", method=Method.ALIGNED),
        direct("direct, 3 steps a call", steps_per_call=3, variant=True),
        way("aligned, 3 steps a call", method=Method.ALIGNED, steps_per_call=3, variant=True),
        way("aligned, implicit", method=Method.ALIGNED, solver=Solver.IMPLICIT),
        direct(f"direct, {FREE}", cross_end=free.cross_end, self_end=free.self_end, variant=True),
        direct("direct, local blend", blend=0.3, variant=True),
        direct("direct, local blend by the thing's name, 0.5", blend=0.5, named=True, variant=True),
        direct("direct, local blend by the difference", blend=0.3, difference=True, variant=True),
        direct(f"direct, local blend by the difference, {CLOSE:g}", blend=CLOSE, difference=True),
        way(f"virtual, {FEW} steps of euler", virtual="euler"),
        way(f"virtual, {FEW} steps of lcm", virtual="lcm", variant=True),
        way(
            f"virtual, {FEW} steps of euler, blend by the difference, {CLOSE:g}",
            virtual="euler",
            blend=CLOSE,
            difference=True,
            variant=True,
        ),
    )
