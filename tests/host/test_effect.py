"""What the console says when an edit hardly showed, and that seeing it changes nothing."""

import logging
from functools import partial

import pytest
import torch

from .graph import blend, control, empty, encode, prompt, reweight, sample, swap

SOURCE = "a red circle on a blue background"
NEWS = ("differs from its source", "no edit acts", "P2P Local Blend lets")


@pytest.fixture
def warnings(demo, caplog):
    """warnings("…", *edits): what a run with edit nodes logs as warnings; each is a function of the edit before."""

    def run(target, *edits, self_end=0.4, **options):
        positive, edit = encode(demo.clip, SOURCE, target)
        for add in edits:
            edit = add(edit)
        model, batch = control(demo.model, edit, empty((3, 32, 32)), self_end=self_end, resolution="1/4")
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            sample(model, positive, prompt(demo.clip), batch, steps=10, **options)
        said = [record.getMessage() for record in caplog.records]
        return [text for text in said if any(part in text for part in NEWS)]

    return run


def test_a_weak_edit_says_what_was_measured(warnings):
    (said,) = warnings(SOURCE, partial(reweight, words="red", strength=1.05, end=1.0), self_end=1.0)
    assert said.startswith(f"P2P Attention Controller: '{SOURCE}' differs from its source by ")
    assert "Cross-attention edited in 10, self-attention in 10 of 10 steps" in said
    assert "'red' held " in said and "% of the attention to words" in said and "end_percent" in said


def test_a_local_blend_that_lets_nothing_through_is_named(warnings):
    corner = torch.zeros(1, 32, 32)
    corner[:, 0, 0] = 1
    in_corner = partial(blend, threshold=0.3, start=0.0, mask=corner)
    (said,) = warnings("a red circle on a green background", partial(swap, end=0.8), in_corner)
    assert "'green' held " in said and "the local blend left 0.1% of the picture free" in said
    assert said.endswith("; widen the local blend's mask.")


def test_advice_is_what_can_be_done(warnings):
    """Self-attention is off, and the blend lets everything through."""
    weak = partial(reweight, words="red", strength=1.05, end=1.0)
    open_blend = partial(blend, threshold=0.3, start=0.0, mask=torch.ones(1, 8, 8))
    (said,) = warnings(SOURCE, weak, open_blend, self_end=0.0)
    assert "left 100.0% of the picture free" in said
    assert said.endswith("To see more of the edit: move the reweight's strength further from 1.")


@pytest.mark.parametrize("edits", [(), (partial(reweight, words="circle", strength=1.0),)])
def test_an_edit_without_an_edit_is_named(edits, warnings):
    (said,) = warnings("a yellow circle on a green background", *edits, self_end=0.0)
    assert said.startswith("P2P Attention Controller: no edit acts") and "P2P Word Swap" in said


@pytest.mark.parametrize("threshold, what", [(0.0, "everything"), (0.1, "nothing")])
def test_a_mask_by_words_that_is_all_or_nothing_is_named(threshold, what, warnings):
    exclude = {"exclude_words": "circle, red, blue, on, a"} if what == "nothing" else {}
    by_words = partial(blend, words="background", threshold=threshold, start=0.2, **exclude)
    found = warnings("a red circle on a green background", partial(swap, end=0.4), by_words)
    said = [text for text in found if "lets" in text]
    assert len(said) == 1 and f"P2P Local Blend lets {what} of 'a red circle on a green background' change" in said[0]


def test_an_edit_that_shows_is_no_news(warnings):
    assert warnings("a red circle on a green background", partial(swap, end=0.8)) == []


def test_the_first_part_of_a_run_is_not_judged(warnings):
    first_part = {"start_step": 0, "last_step": 2, "force_full_denoise": False}
    said = warnings("a red circle on a green background", partial(swap, end=0.8), **first_part)
    assert said == []
