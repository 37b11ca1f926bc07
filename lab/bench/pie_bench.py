"""Reads edits of the user's own: a JSON list of pairs of prompts, or pictures and masks in PIE-Bench's layout.

PIE-Bench (Ju et al. 2023, "Direct Inversion") is a folder with mapping_file.json and annotation_images/. Each entry of
the mapping has image_path, original_prompt and editing_prompt (changed words in [brackets]), and mask: a flat list of
start and length of runs, row by row over 512×512, that cover what the edit may change.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MASK_SIDE = 512
MAPPING = "mapping_file.json"
IMAGES = "annotation_images"


@dataclass(frozen=True, eq=False)
class OwnEdit:
    """One edit: prompts, a label to group by, and a seed, or a picture's file and its mask [512, 512] of bool."""

    source: str
    target: str
    kind: str
    seed: int = 0
    picture: Path | None = None
    mask: np.ndarray | None = None

    @property
    def prompts(self) -> tuple[str, str]:
        """Source and target prompt."""
        return self.source, self.target


def read_edits(path: Path) -> list[OwnEdit]:
    """The edits of a JSON file or of a folder in PIE-Bench's layout; raises ValueError for what is neither."""
    mapping = path / MAPPING
    if path.is_dir() and not mapping.is_file():
        raise ValueError(f"{path} holds no {MAPPING}; name a folder in PIE-Bench's layout, or a JSON file of pairs.")
    try:
        content = json.loads((mapping if path.is_dir() else path).read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error
    if path.is_dir():
        edits = [_from_mapping(path / IMAGES, name, entry) for name, entry in content.items()]
    else:
        if not isinstance(content, list):
            raise ValueError(f'{path} must hold a list: [{{"source": "a cat", "target": "a dog"}}, …].')
        edits = [_from_pair(number, entry) for number, entry in enumerate(content)]
    if not edits:
        raise ValueError(f"{path} holds no edits.")
    return edits


def _from_pair(number: int, entry: dict[str, Any]) -> OwnEdit:
    missing = [key for key in ("source", "target") if not isinstance(entry, dict) or not entry.get(key)]
    if missing:
        raise ValueError(f"pair {number + 1} lacks {' and '.join(missing)}: {entry}.")
    return OwnEdit(entry["source"], entry["target"], str(entry.get("kind", "")), int(entry.get("seed", number)))


def _from_mapping(images: Path, name: str, entry: dict[str, Any]) -> OwnEdit:
    """PIE-Bench's first folder in image_path names the kind of edit, as in "1_change_object_80/…/000000000001.jpg"."""
    needed = ("image_path", "original_prompt", "editing_prompt", "mask")
    if missing := [key for key in needed if key not in entry]:
        raise ValueError(f"entry {name} of {MAPPING} lacks {' and '.join(missing)}.")
    picture = images / entry["image_path"]
    if not picture.is_file():
        raise ValueError(f"entry {name} of {MAPPING} names a picture that is not there: {picture}.")
    source, target = (without_brackets(entry[key]) for key in ("original_prompt", "editing_prompt"))
    kind = Path(entry["image_path"]).parts[0] if len(Path(entry["image_path"]).parts) > 1 else ""
    return OwnEdit(source, target, kind, 0, picture, decode_mask(entry["mask"]))


def without_brackets(prompt: str) -> str:
    """A prompt without PIE-Bench's marks around words."""
    return " ".join(prompt.replace("[", "").replace("]", "").split())


def decode_mask(runs: Sequence[int], side: int = MASK_SIDE) -> np.ndarray:
    """The mask [side, side] of bool from starts and lengths; the border always belongs to it, as in PIE-Bench's own
    evaluation, for its annotations miss it. Raises ValueError for runs that leave the picture.
    """
    numbers = np.array(runs, dtype=int)
    starts, lengths = numbers[::2], numbers[1::2]
    if len(starts) != len(lengths) or (numbers < 0).any() or (starts >= side * side).any():
        raise ValueError(f"a mask is not of pairs of start and length within {side}×{side} pixels.")
    pixels = np.zeros(side * side, bool)
    for start, length in zip(starts, lengths, strict=True):
        pixels[start : start + length] = True
    mask = pixels.reshape(side, side)
    mask[[0, -1]] = mask[:, [0, -1]] = True
    return mask


def encode_mask(mask: np.ndarray) -> list[int]:
    """The runs of a mask [side, side], as `decode_mask` reads them."""
    edges = np.diff(np.concatenate([[0], mask.astype(int).ravel(), [0]]))
    starts, ends = np.nonzero(edges > 0)[0], np.nonzero(edges < 0)[0]
    return np.stack([starts, ends - starts], axis=1).ravel().tolist()
