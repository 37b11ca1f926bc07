"""What the judge's verdicts and the pixels say of an edit. Pictures are [S, S, 3] in 0 … 1, masks [S, S] of bool."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage, stats

from lab.world.judge import Seen, Verdict, coat_mask
from lab.world.render import SIDE, silhouette
from lab.world.scenes import Scene, Thing

CENTRE, AREA = 0.06, 1 / 3
RIM = 2  # pixels; beyond six even the same seed without an edit keeps 37 dB, so nothing is told apart


def psnr(made: np.ndarray, wanted: np.ndarray, where: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB of one picture [S, S, 3] in 0 … 1, at most 60."""
    squares = (made - wanted) ** 2
    squares = squares if where is None else squares[where]
    return float(min(60.0, -10 * np.log10(max(float(squares.mean()), 1e-12))))


def attributes(seen: Verdict, near: np.ndarray | None = None) -> dict[str, str]:
    """The judge's words for a picture and for its first thing, or the one that covers most of the mask `near`.

    A picture without a thing has only "place", "style" and "count".
    """
    words = {"place": f"{seen.place} {seen.ground}", "style": seen.style, "count": str(len(seen.things))}
    if seen.things:
        thing = seen.things[0] if near is None else max(seen.things, key=lambda one: int((outline(one) & near).sum()))
        words |= {"colour": thing.colour, "thing": thing.kind, "pattern": thing.pattern}
    return words


def outline(seen: Seen) -> np.ndarray:
    """Where a found thing is, by its template, [S, S] of bool."""

    class Sized(Scene):
        def radius(self, thing: Thing) -> float:
            return seen.radius

    return silhouette(Sized((Thing(seen.kind, "red", spot=seen.spot),))) > 0.5


def coat(seen: Seen) -> np.ndarray:
    """Where a found thing shows its coat, [S, S] of bool."""
    return coat_mask(Thing(seen.kind, "red", spot=seen.spot), seen.radius)


def outlines(seen: Verdict) -> np.ndarray:
    """Where the things of a picture are, [S, S] of bool."""
    return np.any([np.zeros((SIDE, SIDE), bool), *(outline(one) for one in seen.things)], axis=0)


def silhouette_iou(before: Verdict, after: Verdict) -> float:
    """Intersection over union of what the things of two pictures cover; 0 if one of them shows none."""
    one, other = outlines(before), outlines(after)
    return float((one & other).sum() / max(1, (one | other).sum())) if before.things and after.things else 0.0


def is_in_place(before: Verdict, after: Verdict) -> bool:
    """True if the first thing's centre is within 6 % of the side of where it was, and its area within a third."""
    if not before.things or not after.things:
        return False
    masks = [outline(seen.things[0]) for seen in (before, after)]
    centres = [np.array(ndimage.center_of_mass(mask)) / SIDE for mask in masks]
    areas = [float(mask.sum()) for mask in masks]
    near = float(np.linalg.norm(centres[0] - centres[1])) <= CENTRE
    return near and abs(areas[1] / areas[0] - 1) <= AREA


def background_psnr(source: np.ndarray, target: np.ndarray, before: Verdict, after: Verdict) -> float:
    """PSNR of target to source in dB, outside the things of both pictures and a rim around them."""
    where = ~ndimage.binary_dilation(outlines(before) | outlines(after), iterations=RIM)
    return psnr(target, source, where if where.any() else None)


def seam(source: np.ndarray, target: np.ndarray, free: np.ndarray) -> float:
    """How much the change from source to target jumps at the edge of what was `free` to change [s, s] of bool, whose
    cells are squares of the pictures': the mean over the cells on both sides, in levels of 255.
    """
    side, cells = len(source), len(free)
    cell = side // cells
    change = 255 * (target - source).reshape(cells, cell, cells, cell, 3).mean(axis=(1, 3))
    jumps = [
        np.abs(np.diff(change, axis=axis)).mean(axis=-1)[np.diff(free.astype(int), axis=axis) != 0] for axis in (0, 1)
    ]
    across = np.concatenate(jumps)
    return float(across.mean()) if len(across) else 0.0


def rank_correlation(strengths: Sequence[float], responses: Sequence[float]) -> float:
    """Spearman's, 0 for responses that are all the same."""
    if len(set(responses)) == 1:
        return 0.0
    return float(stats.spearmanr(strengths, responses).statistic)


def is_monotone(responses: Sequence[float]) -> bool:
    """True if every response is greater than the one before."""
    return bool((np.diff(responses) > 0).all())
