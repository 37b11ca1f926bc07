import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from scipy import stats

from lab.bench.document import head_of
from lab.bench.edits import KINDS, is_readable, known_edits
from lab.bench.pie_bench import decode_mask, encode_mask, read_edits, without_brackets
from lab.bench.quality_edits import FADERS, fadings, must_stay
from lab.bench.quality_intervals import interval
from lab.bench.quality_metrics import (
    attributes,
    background_psnr,
    coat,
    is_in_place,
    is_monotone,
    outline,
    psnr,
    rank_correlation,
    silhouette_iou,
)
from lab.bench.quality_report import figure_interval
from lab.world.degrees import striped
from lab.world.judge import judge
from lab.world.render import render
from lab.world.scenes import Scene, Thing

EVERYWHERE = (-np.inf, np.inf)


def drawn(*things: Thing, ground: str = "blue") -> np.ndarray:
    return render(Scene(things, ground=ground))


@given(arrays(bool, (8, 8)))
def test_masks_come_back_from_their_runs_but_for_the_border(mask):
    expected = mask.copy()
    expected[[0, -1]] = expected[:, [0, -1]] = True
    np.testing.assert_array_equal(decode_mask(encode_mask(mask), 8), expected)


def test_a_run_goes_on_in_the_next_row_and_ends_with_the_picture():
    inside = decode_mask([1 * 8 + 6, 4, 6 * 8 + 5, 99], 8)[1:-1, 1:-1]
    assert inside.sum() == 4 and inside[0, 5] and inside[1, 0] and inside[5, 4] and inside[5, 5]


@pytest.mark.parametrize("runs", [[1], [-1, 2], [1, -2], [64, 1]])
def test_runs_that_leave_the_picture_are_refused(runs):
    with pytest.raises(ValueError, match="start and length"):
        decode_mask(runs, 8)


def test_brackets_are_marks_only():
    assert without_brackets("a [red]  [cat] on a mat ") == "a red cat on a mat"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "no JSON"),
        ("{}", "must hold a list"),
        ("[]", "no edits"),
        ('[{"source": "a cat"}]', "pair 1 lacks target"),
    ],
)
def test_files_of_pairs_that_cannot_be_read(tmp_path, content, message):
    path = tmp_path / "pairs.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_edits(path)


def test_folders_that_cannot_be_read(tmp_path):
    with pytest.raises(ValueError, match=r"no mapping_file\.json"):
        read_edits(tmp_path)
    entry = {"image_path": "1_change/0.jpg", "original_prompt": "a cat", "editing_prompt": "a dog", "mask": []}
    (tmp_path / "mapping_file.json").write_text(json.dumps({"0": entry}))
    with pytest.raises(ValueError, match="entry 0 of .* not there"):
        read_edits(tmp_path)


def test_pairs_have_a_seed_each_unless_they_name_one(tmp_path):
    path = tmp_path / "pairs.json"
    pair = {"source": "a cat", "target": "a dog"}
    path.write_text(json.dumps([pair, {**pair, "seed": 7, "kind": "animal"}, pair]))
    edits = read_edits(path)
    assert [(edit.seed, edit.kind) for edit in edits] == [(0, ""), (7, "animal"), (2, "")]


def test_psnr_is_that_of_the_place_that_counts():
    black, grey = np.zeros((4, 4, 3)), np.zeros((4, 4, 3))
    grey[:2] = 0.1
    where = np.zeros((4, 4), bool)
    where[:2] = True
    assert psnr(grey, black, where) == pytest.approx(20)
    assert psnr(grey, black, ~where) == 60


def test_the_thing_that_stays_is_the_one_in_the_source_s_place():
    cup, star = Thing("cup", "red", spot=(0.26, 0.5)), Thing("star", "green", spot=(0.74, 0.5))
    before, after = judge(render(Scene((cup, star)))), judge(render(Scene((star, cup))))
    near = outline(next(one for one in before.things if one.kind == "cup"))
    assert attributes(after, near)["thing"] == "cup"


def test_silhouettes_and_background_tell_moved_from_recoloured():
    at = Thing("heart", "red", spot=(0.4, 0.5))
    pictures = [drawn(at), drawn(Thing("heart", "green", spot=(0.4, 0.5))), drawn(Thing("heart", "green"))]
    source, same, moved = (judge(picture) for picture in pictures)
    assert silhouette_iou(source, same) > 0.9 and silhouette_iou(source, moved) < 0.75
    assert is_in_place(source, same) and not is_in_place(source, moved)
    assert silhouette_iou(source, judge(drawn())) == 0 and not is_in_place(source, judge(drawn()))
    assert background_psnr(pictures[0], pictures[1], source, same) > 45
    assert background_psnr(pictures[0], pictures[0] + 0.1, source, source) == pytest.approx(20, abs=0.01)


def test_the_share_of_stripes_is_read_in_the_coat():
    def share(amount: float) -> float:
        picture = drawn(Thing("heart", "red", "striped" if amount else "plain", "big", amount))
        return striped(picture, coat(judge(picture).things[0]))

    assert share(0.0) < 0.1 < share(0.3) < share(0.6)


def test_responses():
    assert rank_correlation([0, 1, 2], [5, 7, 6]) == pytest.approx(0.5) and rank_correlation([0, 1], [3, 3]) == 0
    assert is_monotone([1, 2, 3]) and not is_monotone([1, 1, 2])


@pytest.mark.parametrize("kind", KINDS)
def test_the_judge_finds_edits_of_rendered_scenes_done_and_the_rest_kept(kind):
    edits = known_edits(kind, 1)
    assert len(edits) == 1
    for edit in edits:
        before, after = (judge(picture) for picture in edit.pictures())
        assert edit.succeeds(after) and not edit.succeeds(before) and edit.starts_right(before)
        near = outline(edit.left(before))
        there, now = attributes(before, near), attributes(after, near)
        assert kind not in must_stay(kind) and all(there[name] == now[name] for name in must_stay(kind))
        assert all(word in " ".join(edit.prompts) for word in edit.about.split(", "))
        assert kind == "style" or edit.kept().any()


def test_scenes_that_the_judge_cannot_read_are_left_out():
    assert is_readable(Scene((Thing("heart", "red"),)))
    assert not is_readable(Scene((Thing("heart", "red", size="small", spot=(0.02, 0.02)),)))


@pytest.mark.parametrize("word", FADERS)
def test_reweighted_words_are_in_their_prompts(word):
    for fading in fadings(word, 1):
        assert fading.prompt.split().count(word) == 1


def test_rates_of_independent_pictures_have_wilsons_interval():
    values = np.random.default_rng(0).random((40, 10)) < 0.3
    made = interval(values.mean(axis=1).tolist(), 400, EVERYWHERE, rate=True)
    expected = stats.binomtest(int(values.sum()), 400).proportion_ci(method="wilson")
    assert (made.low, made.high) == pytest.approx((expected.low, expected.high), abs=0.01)


def test_pairs_that_differ_widen_the_interval():
    alike = interval([0.5] * 8, 56, EVERYWHERE, rate=True)
    apart = interval([0.0, 1.0] * 4, 56, EVERYWHERE, rate=True)
    assert apart.high - apart.low > 1.5 * (alike.high - alike.low)
    assert interval([1.0] * 8, 56, EVERYWHERE, rate=True).low < 0.95


def test_means_have_students_interval_within_what_they_can_be():
    means = [0.9, 0.95, 1.0]
    expected = stats.t.interval(0.95, 2, np.mean(means), stats.sem(means))
    made = interval(means, 21, EVERYWHERE, rate=False)
    assert (made.low, made.high) == pytest.approx(expected)
    assert figure_interval("silhouette IoU", means, 21)["high"] == 1
    assert interval([0.9], 7, EVERYWHERE, rate=False).low is None


def test_a_document_keeps_its_head(tmp_path):
    path = tmp_path / "quality.md"
    assert head_of(path, "Quality", []) == "# Quality"
    path.write_text("# Mine\n\nWhat it is.\n\nNot measured yet: soon.\n\n### All\n\nold\n")
    assert head_of(path, "Quality", []) == "# Mine\n\nWhat it is."
    assert head_of(path, "Quality", ["size", "shape"]).endswith("What it is.\n\nNot measured yet: size, shape.")
