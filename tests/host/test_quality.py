"""The quality bench in small, with floors under what it found, and on weights, pairs and pictures of a user's own.

Floors compare with the plain run of the same seeds where they can, so that other weights of the demo model keep them.
"""

import json
import shutil
from argparse import Namespace

import numpy as np
import pytest
from PIL import Image

from lab.bench.edits import known_edits
from lab.bench.pie_bench import encode_mask
from lab.bench.quality_edits import DEFAULT, DEMO_WAYS, FADES, PLAIN, SWITCHED, WAYS, Fading, fadings
from lab.discs.model import WEIGHTS
from lab.discs.render import coverage
from lab.discs.render import render as render_disc
from lab.discs.scenes import Scene as DiscScene
from lab.discs.scenes import Thing as Disc
from lab.world.render import render
from lab.world.scenes import Scene, Thing

LAYOUT, BLEND = "keep the layout", "keep the layout, local blend"


@pytest.fixture(scope="module", params=["unet", "transformer"])
def options(request):
    return Namespace(model=request.param, weights=None)


def sampler(options, steps: int):
    from lab.bench.demo import demo_sampler

    return demo_sampler(options, steps, 4.0)


@pytest.fixture(scope="module")
def measured(options):
    """measured("colour", …): each way's figures over the pictures of two pairs."""
    from lab.bench.quality_measure import measure_edits

    def run(kind: str, *names: str) -> dict[str, dict[str, float]]:
        ways = [way for way in DEMO_WAYS if way.name in names or way == PLAIN]
        made = measure_edits(sampler(options, 12), known_edits(kind, 2), 1, ways, quiet=True)
        figures = made.results["ways"]
        return {way: {name: value["mean"] for name, value in there.items()} for way, there in figures.items()}

    return run


def test_a_swap_of_colours_changes_the_colour_and_keeps_the_place(measured):
    made = measured("colour", LAYOUT, BLEND)
    plain, layout, blend = (made[name] for name in (PLAIN.name, LAYOUT, BLEND))
    assert layout["success"] >= min(0.5, plain["success"]), made
    assert layout["background PSNR"] >= plain["background PSNR"], made
    assert blend["background PSNR"] >= layout["background PSNR"], made


def test_a_swap_of_places_changes_it_and_keeps_the_thing(measured):
    made = measured("place", LAYOUT)
    plain, layout = made[PLAIN.name], made[LAYOUT]
    assert layout["success"] >= 0.5, made
    assert layout["silhouette IoU"] >= plain["silhouette IoU"], made


def test_the_bench_is_the_same_again_and_a_strength_of_1_is_the_source(options):
    fading = fadings("striped", 1)[0]
    made = [sampler(options, 3).fade(fading.prompt, fading.word, (0.0, 1.0, 3.0), 2, 1, FADES[0]) for _ in range(2)]
    np.testing.assert_array_equal(*made)
    np.testing.assert_allclose(made[0][:, 2], made[0][:, 0], atol=1e-4)
    assert made[0].shape == (2, 4, 128, 128, 3)


def test_all_ways_edit_the_same_source_which_is_the_plain_one(options):
    from p2p_attention.edits.column_map import Kind

    prompts = known_edits("colour", 1)[0].prompts
    run = sampler(options, 3)
    plain = run.plain(prompts[0], 2, seed=5)
    for way in WAYS[1:]:
        np.testing.assert_allclose(run.edit(prompts, Kind.SWAP, way, 2, 5).sources, plain, atol=1e-3)


def test_a_switched_prompt_begins_as_the_source_and_ends_as_the_target(options):
    prompts = known_edits("colour", 1)[0].prompts
    run = sampler(options, 4)
    source, target = (run.plain(prompt, 1, 0) for prompt in prompts)
    np.testing.assert_array_equal(run.switched(prompts, 0.0, 1, 0), target)
    np.testing.assert_array_equal(run.switched(prompts, 1.0, 1, 0), source)
    middle = run.switched(prompts, SWITCHED[-1].switch, 1, 0)
    assert not np.array_equal(middle, source) and not np.array_equal(middle, target)


def test_responses_are_read_in_the_direction_of_the_word():
    from lab.bench.quality_measure import _responses

    scenes = [Scene((Thing("heart", "red", "striped", "big", amount),)) for amount in (0.4, 0.1, 0.25, 0.4, 0.55, 0.7)]
    made = _responses(Fading("striped", scenes[0]), np.stack([render(scene) for scene in scenes]))
    assert made["monotone"] == 1 and made["rank correlation"] == pytest.approx(1)


@pytest.fixture
def own(tmp_path):
    """Weights, prompts as JSON, and a folder in PIE-Bench's layout, as a user has them."""
    shutil.copy(WEIGHTS, tmp_path / "mine.safetensors")
    source, target = ("a large red circle on a blue background", "a large green circle on a blue background")
    added = {"source": source, "target": source.replace("red", "red striped"), "seed": 3, "kind": "pattern"}
    (tmp_path / "pairs.json").write_text(json.dumps([{"source": source, "target": target}, added]))
    thing = Disc("red", "circle", size="large", radius=0.28)
    images = tmp_path / "pie" / "annotation_images" / "6_change_attribute_color_40"
    images.mkdir(parents=True)
    picture = (render_disc(DiscScene((thing,), "blue"), 512) * 255).round().astype(np.uint8)
    Image.fromarray(picture).save(images / "000000000000.png")
    entry = {
        "image_path": f"{images.name}/000000000000.png",
        "original_prompt": source.replace("red", "[red]"),
        "editing_prompt": target.replace("green", "[green]"),
        "blended_word": "circle circle",
        "mask": encode_mask(coverage(thing, 512) > 0),
    }
    (tmp_path / "pie" / "mapping_file.json").write_text(json.dumps({"000000000000": entry}))
    return tmp_path


def measure(folder, prompts: str, seeds: int | None = None) -> dict:
    from lab.bench.quality_checkpoint import measure_own

    options = Namespace(
        checkpoint=folder / "mine.safetensors",
        prompts=folder / prompts,
        pairs=None,
        seeds=seeds,
        size=512,
        steps=8,
        cfg=4.0,
    )
    measure_own(options, folder / "quality-own.md", folder / "quality-own.json")
    made = json.loads((folder / "quality-own.json").read_text())
    assert made["settings"]["edits"] == len(made["results"]["all"][LAYOUT]["seconds"]["pairs"])
    assert (folder / "quality-own.png").is_file()
    return made["results"]


def test_pairs_of_ones_own(own, capsys):
    results = measure(own, "pairs.json", seeds=2)
    assert set(results) == {"all", "pattern"} and set(results["all"]) == {way.name for way in WAYS}
    figures = results["all"]
    assert figures[BLEND]["kept PSNR"]["mean"] >= figures[LAYOUT]["kept PSNR"]["mean"]
    assert figures[LAYOUT]["kept PSNR"]["pictures"] == 4 and "source PSNR" not in figures[LAYOUT]
    assert figures[LAYOUT]["change"]["mean"] > 0
    assert (own / "quality-own.md").read_text().count("| keep the shape |") == 2
    assert "| keep the shape |" in capsys.readouterr().out


def test_pictures_and_masks_in_pie_bench_s_layout(own):
    figures = measure(own, "pie")["all"]
    assert set(figures) == {way.name for way in WAYS}
    assert all(there["source PSNR"]["mean"] > 45 for there in figures.values())
    assert figures[LAYOUT]["kept PSNR"]["mean"] > figures[PLAIN.name]["kept PSNR"]["mean"]
    assert figures[LAYOUT]["change"]["mean"] > 0


def test_masks_keep_all_that_they_touch():
    from lab.bench.quality_checkpoint import fitted

    mask = np.zeros((512, 512), bool)
    mask[100, 200] = True
    assert np.argwhere(fitted(mask, (32, 32))).tolist() == [[6, 12]]
    assert fitted(mask, (1024, 1024)).sum() == 4


def test_the_defaults_are_those_of_the_preset():
    assert (DEFAULT.cross_end, DEFAULT.self_end) == (0.8, 0.4)
