"""How snowy, starry, flowery or striped a picture is: figures that grow with it, for one layout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .colours import CREAM, rgb
from .places import GRASS, HILL, WHITE


def near(picture: np.ndarray, colour: np.ndarray, reach: float) -> np.ndarray:
    """Where a picture [S, S, 3] has a colour, [S, S] (bool)."""
    return np.abs(picture - colour).sum(-1) < reach


def snowy(picture: np.ndarray) -> float:
    """The share of white, flakes and ground."""
    return float(near(picture, WHITE, 0.35).mean())


def starry(picture: np.ndarray) -> float:
    """The share of starlight in the sky."""
    sky = picture[: round(0.56 * len(picture))]
    return float(near(sky, rgb(255, 250, 215), 0.9).mean())


def flowery(picture: np.ndarray) -> float:
    """The share of the meadow that is not green."""
    meadow = picture[round(0.6 * len(picture)) :]
    return float(1 - (near(meadow, GRASS, 0.3) | near(meadow, HILL, 0.3)).mean())


def striped(picture: np.ndarray, coat: np.ndarray | None = None) -> float:
    """The share of pale stripes, within a thing's coat [S, S] (bool) where it is known."""
    pale = near(picture, CREAM, 0.5)
    return float(pale.mean() if coat is None else pale[coat].mean())


DEGREES: dict[str, Callable[[np.ndarray], float]] = {
    "snowy": snowy,
    "starry": starry,
    "flowery": flowery,
    "striped": striped,
}
