"""Windows that people know by name: how much of the source an edit keeps."""

from __future__ import annotations

from collections.abc import Mapping
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


STAYS = "things stay where they are and about as large; what the changed word names may differ in outline."
OUTLINE = "For colours, materials and styles: the outline stays too. A swap of shapes hardly shows."
FREE = "For another shape: only the composition of the first steps stays, the outline is new."

Presets = Mapping[str, Preset]

PRESETS: Presets = {
    "keep the layout": Preset(0.8, 0.4, f"The defaults, of the paper's reference code: {STAYS}"),
    "keep the shape": Preset(1.0, 0.8, OUTLINE),
    "free the shape": Preset(0.4, 0.1, FREE),
}
"""Of UNets, and of transformers that see the text by cross-attention as a UNet does."""

JOINT_PRESETS: Presets = {
    "keep the layout": Preset(0.4, 0.1, STAYS.capitalize()),
    "keep the shape": Preset(0.8, 0.4, OUTLINE),
    "free the shape": Preset(0.2, 0.2, FREE),
}
"""Of transformers with joint attention. There the source's map holds more of the picture, for text and image are
columns of one softmax; measured on the demo transformer (docs/windows-transformer.md).
"""
