"""What the judge's verdicts and the pixels say of an edit. Pictures are [S, S, 3] in 0 … 1, masks [S, S] of bool."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import ndimage, stats

from lab.discs.judge import Seen, Verdict
from lab.discs.render import RGB, coverage, tone
from lab.discs.scenes import RADIUS, Thing

LEAST_LARGE = (RADIUS["small"][1] + RADIUS["large"][0]) / 2


def psnr(made: np.ndarray, wanted: np.ndarray, where: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB of one picture [S, S, 3] in 0 … 1, at most 60."""
    squares = (made - wanted) ** 2
    squares = squares if where is None else squares[where]
    return float(min(60.0, -10 * np.log10(max(float(squares.mean()), 1e-12))))


def attributes(seen: Verdict, near: np.ndarray | None = None) -> dict[str, str]:
    """The judge's words for a picture and for its largest thing, or the one that covers most of the mask `near`.

    A picture without a thing has only "background" and "count".
    """
    words = {"background": seen.background, "count": str(len(seen.things))}
    if seen.things:
        thing = seen.things[0] if near is None else max(seen.things, key=lambda t: int((t.mask & near).sum()))
        words |= {"colour": thing.colour, "shape": thing.shape, "pattern": thing.pattern, "size": size_word(thing)}
    return words


def size_word(thing: Seen) -> str:
    """Whether a thing is small or large: by the radius that its shape would have at its area."""
    radius = np.sqrt(ndimage.binary_fill_holes(thing.mask).mean() / _unit_area(thing.shape))
    return "large" if radius > LEAST_LARGE else "small"


@cache
def _unit_area(shape: str) -> float:
    """Area of a shape of radius 1 on a side of 1."""
    radius = 0.3
    return float(coverage(Thing("red", shape, radius=radius), 256).mean() / radius**2)


def silhouette(seen: Verdict) -> np.ndarray | None:
    """Where the things are, holes filled; None if there are none."""
    if not seen.things:
        return None
    return ndimage.binary_fill_holes(np.any([thing.mask for thing in seen.things], axis=0))


def silhouette_iou(before: Verdict, after: Verdict) -> float:
    """Intersection over union of what the things of two pictures cover; 0 if one of them shows none."""
    one, other = silhouette(before), silhouette(after)
    return 0.0 if one is None or other is None else float((one & other).sum() / (one | other).sum())


def background_psnr(source: np.ndarray, target: np.ndarray, before: Verdict, after: Verdict) -> float:
    """PSNR of target to source in dB, outside the things of both pictures and a pixel around them."""
    where = np.ones(source.shape[:2], bool)
    for seen in (before, after):
        covered = silhouette(seen)
        if covered is not None:
            where &= ~ndimage.binary_dilation(covered)
    return psnr(target, source, where if where.any() else None)


def second_tone(picture: np.ndarray, where: np.ndarray, colour: str) -> float:
    """How far the pixels are on the way from a colour to its pattern's second tone: 0 … 1, their mean."""
    first, second = np.array(RGB[colour]), np.array(tone(colour))
    way = (picture[where] - first) @ (second - first) / ((second - first) ** 2).sum()
    return float(way.clip(0, 1).mean())


def colour_distance(picture: np.ndarray, where: np.ndarray, colour: str) -> float:
    """Mean distance of the pixels to a colour, in RGB."""
    return float(np.linalg.norm(picture[where] - np.array(RGB[colour]), axis=-1).mean())


def rank_correlation(strengths: Sequence[float], responses: Sequence[float]) -> float:
    """Spearman's, 0 for responses that are all the same."""
    if len(set(responses)) == 1:
        return 0.0
    return float(stats.spearmanr(strengths, responses).statistic)


def is_monotone(responses: Sequence[float]) -> bool:
    """True if every response is greater than the one before."""
    return bool((np.diff(responses) > 0).all())
