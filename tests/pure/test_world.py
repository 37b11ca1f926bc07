"""The demo world: its pictures, its words and the truth of its edits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lab.world.degrees import DEGREES
from lab.world.render import SIDE, render, silhouette
from lab.world.scenes import KINDS, PLACES, STYLES, Scene, Thing, drift, is_held_out, sample_scene
from lab.world.words import prompt


def of(kind: str, colour: str = "red", **more: object) -> Scene:
    return Scene((Thing(kind, colour, size="big", spot=(0.5, 0.5)),), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_every_thing_fills_its_square_and_stays_inside(kind: str) -> None:
    cover = silhouette(of(kind))
    ys, xs = np.nonzero(cover > 0.5)
    assert 0.6 * SIDE < max(np.ptp(ys), np.ptp(xs)) < 0.8 * SIDE
    assert 0.15 < cover.mean() < 0.45


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("place", PLACES)
def test_pictures_are_the_same_again_and_within_range(style: str, place: str) -> None:
    scene = of("cat", place=place, style=style, seed=4)
    picture = render(scene)
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.min() >= 0 and picture.max() <= 1
    np.testing.assert_array_equal(picture, render(scene))


def test_another_colour_changes_the_thing_alone() -> None:
    scene = of("fish", place="beach", seed=1)
    other = replace(scene, things=(replace(scene.things[0], colour="blue"),))
    changed = np.abs(render(scene) - render(other)).sum(-1) > 0
    assert changed.any()
    assert not changed[silhouette(scene) == 0].any()


@pytest.mark.parametrize(
    "place, degree", [("grass", "snowy"), ("grass", "flowery"), ("night", "starry"), ("beach", "snowy")]
)
def test_a_degree_changes_more_the_higher_it_is(place: str, degree: str) -> None:
    plain = render(of("cup", place=place, seed=2))
    amounts = [
        np.abs(render(of("cup", place=place, degree=degree, amount=a, seed=2)) - plain).mean() for a in (0.2, 0.5, 0.9)
    ]
    assert 0 < amounts[0] < amounts[1] < amounts[2]


def test_words() -> None:
    thing = Thing("cat", "orange", "striped", "small")
    assert (
        prompt(Scene((thing,), "grass", degree="snowy", level="very"))
        == "a small striped orange cat on the very snowy grass"
    )
    assert (
        prompt(Scene((replace(thing, pattern="plain", size=""),), "plain", "orange"))
        == "an orange cat on an orange background"
    )
    two = (Thing("dog", "red"), Thing("cup", "blue"))
    assert (
        prompt(Scene(two, "night", style="pixel art", above=True)) == "pixel art of a red dog above a blue cup at night"
    )


def test_held_out_scenes_are_never_drawn_for_training() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        scene = sample_scene(rng, two=0.5)
        assert not any(is_held_out(t.kind, t.colour, scene.place) for t in scene.things)
        other = sample_scene(rng, two=0.5, held_out=True)
        assert any(is_held_out(t.kind, t.colour, other.place) for t in other.things)


def test_another_word_makes_another_layout() -> None:
    moved = [np.abs(drift("cat", "red", "grass") - drift(kind, "red", "grass")).max() for kind in KINDS[1:]]
    assert np.median(moved) > 0.02


@pytest.mark.parametrize(
    "place, degree", [("grass", "snowy"), ("beach", "snowy"), ("grass", "flowery"), ("night", "starry")]
)
@pytest.mark.parametrize("seed", range(3))
def test_degrees_are_measured_in_order(place: str, degree: str, seed: int) -> None:
    scenes = [of("boat", place=place, degree=degree, amount=a, seed=seed) for a in (0.2, 0.5, 0.9)]
    least, middle, most = (DEGREES[degree](render(scene)) for scene in scenes)
    assert least < middle < most


def test_stripes_are_measured_in_order() -> None:
    things = [Thing("apple", "blue", "striped", "big", amount) for amount in (0.2, 0.4, 0.6)]
    least, middle, most = (DEGREES["striped"](render(Scene((thing,), "night"))) for thing in things)
    assert least < middle < most
