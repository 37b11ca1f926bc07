"""95 % confidence of what was measured on several pictures of several pairs of prompts.

Pictures of one pair are alike, so a pair's mean is the unit: means have Student's t over the pairs' means. Rates have
Wilson's interval, with as many trials as independent pictures would need for the same spread between pairs.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval (None where one pair alone tells nothing of it), and what it was made of."""

    mean: float
    low: float | None
    high: float | None
    pairs: list[float]
    pictures: int

    def as_json(self) -> dict[str, Any]:
        """The same, rounded, for a file."""
        rounded = {
            key: None if value is None else round(value, 5)
            for key, value in (("mean", self.mean), ("low", self.low), ("high", self.high))
        }
        return {**asdict(self), **rounded, "pairs": [round(value, 5) for value in self.pairs]}


def interval(means: list[float], pictures: int, limits: tuple[float, float], *, rate: bool) -> Interval:
    """The interval from the mean of each pair of prompts, over so many pictures in all, within what values can be.

    Each picture's value of a rate is 0 or 1, or a share of things that are.
    """
    bounds = _wilson(means, pictures) if rate else _student(means, limits)
    return Interval(float(np.mean(means)), *bounds, means, pictures)


def _student(means: list[float], limits: tuple[float, float]) -> tuple[float | None, float | None]:
    if len(means) < 2:
        return None, None
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, len(means) - 1) * np.std(means, ddof=1) / math.sqrt(len(means))
    low, high = np.clip((np.mean(means) - reach, np.mean(means) + reach), *limits)
    return float(low), float(high)


def _wilson(means: list[float], pictures: int) -> tuple[float, float]:
    """Wilson's score interval; fewer trials than pictures where pairs differ more than chance lets them."""
    p, trials = float(np.mean(means)), float(pictures)
    if len(means) > 1 and 0 < p < 1:
        chance, found = p * (1 - p) / pictures, float(np.var(means, ddof=1)) / len(means)
        trials /= max(1.0, found / chance)
    z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
    centre = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    reach = z / (1 + z * z / trials) * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    return max(0.0, centre - reach), min(1.0, centre + reach)
