"""Windows that people know by name: how much of the source an edit keeps."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Part


@dataclass(frozen=True)
class Preset:
    """How long the source's cross-attention and self-attention maps are used, each from the start of the run.

    Both ends are in the host's percent of the noise schedule.
    """

    cross_end: float
    self_end: float
    meaning: str

    def explain(self, name: str) -> str:
        """What the preset sets and what it is for, in a sentence or two."""
        return (
            f"{name}: cross-attention until {self.cross_end:g} (end_percent of {Part.SWAP} or {Part.REFINE}), "
            f"self-attention until {self.self_end:g} (self_end_percent of {Part.CONTROLLER}). {self.meaning}"
        )


PRESETS = {
    "keep the layout": Preset(
        0.8,
        0.4,
        "The defaults, of the paper's reference code: things stay where they are and about as large; what the changed "
        "word names may differ in outline.",
    ),
    "keep the shape": Preset(
        1.0, 0.8, "For colours, materials and styles: the outline stays too. A swap of shapes hardly shows."
    ),
    "free the shape": Preset(
        0.4, 0.1, "For another shape: only the composition of the first steps stays, the outline is new."
    ),
}
