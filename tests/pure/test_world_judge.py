"""The judge of the demo world, on the renderer's own pictures."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from lab.world.judge import judge, overlap, score
from lab.world.render import render
from lab.world.scenes import Scene, Thing


def test_it_reads_a_thing_with_its_coat_and_place() -> None:
    scene = Scene((Thing("rabbit", "purple", "striped", "big", 0.45, (0.45, 0.55)),), "snow", seed=8)
    verdict = judge(render(scene))
    seen = verdict.things[0]
    assert (verdict.style, verdict.place, len(verdict.things)) == ("drawing", "snow", 1)
    assert (seen.kind, seen.colour, seen.pattern) == ("rabbit", "purple", "striped")
    assert abs(seen.spot[0] - 0.45) < 0.03 and abs(seen.spot[1] - 0.55) < 0.03
    assert overlap(render(scene), scene) > 0.85


def test_it_reads_two_things() -> None:
    things = (Thing("car", "yellow", spot=(0.26, 0.55)), Thing("tree", "green", "spotted", spot=(0.74, 0.55)))
    answers = score(render(Scene(things, "beach", seed=3)), Scene(things, "beach", seed=3))
    assert answers.count and answers.kind and answers.colour and answers.pattern and answers.place


def test_nothing_is_nothing() -> None:
    assert judge(render(Scene((), "plain", "pink"))).things == ()
    noise = np.random.default_rng(0).random((128, 128, 3)).astype(np.float32)
    assert judge(noise).things == ()


def drawn_otherwise(scene: Scene) -> np.ndarray:
    """As a model draws it: higher than the renderer's, and a little out of shape."""
    from scipy import ndimage

    rows, columns = np.mgrid[:128, :128].astype(float)
    rows = 64 + (rows - 64) / 1.3 + 2 * np.sin(columns / 9)
    parts = [
        ndimage.map_coordinates(part, (rows, columns), mode="nearest") for part in np.moveaxis(render(scene), -1, 0)
    ]
    return np.stack(parts, -1)


def test_it_knows_a_thing_that_is_drawn_otherwise() -> None:
    (seen,) = judge(drawn_otherwise(Scene((Thing("mushroom", "blue", size="big"),), "plain", "pink"))).things
    assert (seen.kind, seen.colour, seen.pattern) == ("mushroom", "blue", "plain")


@pytest.mark.parametrize("pattern", ["striped", "spotted", "checked"])
@pytest.mark.parametrize("kind", ["cat", "ball", "cup"])
def test_it_knows_a_pattern_that_begins_elsewhere(kind: str, pattern: str) -> None:
    """By how it repeats: pixel by pixel, stripes of a cup out of shape are none."""
    (seen,) = judge(drawn_otherwise(Scene((Thing(kind, "purple", pattern, "big"),), "grass"))).things
    assert (seen.kind, seen.pattern) == (kind, pattern)
