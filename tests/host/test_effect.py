"""What the console says when an edit hardly showed, and that seeing it changes nothing."""

import logging

import pytest
import torch

from .sampling import empty, negative, sample

SOURCE = "a red circle on a blue background"
NEWS = ("differs from its source", "no edit acts", "P2P Local Blend lets")


@pytest.fixture
def warnings(node, demo, caplog):
    """warnings("…", edit nodes): what a run logs as warnings."""

    def run(target, *edits, self_end=0.4, **options):
        positive, edit = node("P2P_EncodePromptPair", clip=demo[1], source_prompt=SOURCE, target_prompt=target)
        for name, inputs in edits:
            (edit,) = node(name, edit=edit, **inputs)
        windows = {"self_start_percent": 0.0, "self_end_percent": self_end, "self_resolution": "1/4"}
        model, batch = node("P2P_AttentionController", model=demo[0], edit=edit, latent=empty((3, 32, 32)), **windows)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            sample(model, positive, negative(demo[1]), batch, steps=10, **options)
        said = [record.getMessage() for record in caplog.records]
        return [text for text in said if any(part in text for part in NEWS)]

    return run


def test_a_weak_edit_says_what_was_measured(warnings):
    weak = {"words": "red", "strength": 1.05, "start_percent": 0.0, "end_percent": 1.0}
    (said,) = warnings(SOURCE, ("P2P_Reweight", weak), self_end=1.0)
    assert said.startswith(f"P2P Attention Controller: '{SOURCE}' differs from its source by ")
    assert "Cross-attention edited in 10, self-attention in 10 of 10 steps" in said
    assert "'red' held " in said and "% of the attention to words" in said and "end_percent" in said


def test_a_local_blend_that_lets_nothing_through_is_named(warnings):
    swap = ("P2P_WordSwap", {"start_percent": 0.0, "end_percent": 0.8})
    corner = torch.zeros(1, 32, 32)
    corner[:, 0, 0] = 1
    blend = ("P2P_LocalBlend", {"words": "", "threshold": 0.3, "start_percent": 0.0, "mask": corner})
    (said,) = warnings("a red circle on a green background", swap, blend)
    assert "'green' held " in said and "the local blend left 0.1% of the picture free" in said
    assert said.endswith("; widen the local blend's mask.")


def test_advice_is_what_can_be_done(warnings):
    """Self-attention is off, and the blend lets everything through."""
    swap = ("P2P_Reweight", {"words": "red", "strength": 1.05, "start_percent": 0.0, "end_percent": 1.0})
    blend = ("P2P_LocalBlend", {"words": "", "threshold": 0.3, "start_percent": 0.0, "mask": torch.ones(1, 8, 8)})
    (said,) = warnings(SOURCE, swap, blend, self_end=0.0)
    assert "left 100.0% of the picture free" in said
    assert said.endswith("To see more of the edit: move the reweight's strength further from 1.")


@pytest.mark.parametrize("edits", [(), (("P2P_Reweight", {"words": "circle", "strength": 1.0}),)])
def test_an_edit_without_an_edit_is_named(edits, warnings):
    (said,) = warnings("a yellow circle on a green background", *edits, self_end=0.0)
    assert said.startswith("P2P Attention Controller: no edit acts") and "P2P Word Swap" in said


@pytest.mark.parametrize("threshold, what", [(0.0, "everything"), (0.1, "nothing")])
def test_a_mask_by_words_that_is_all_or_nothing_is_named(threshold, what, warnings):
    swap = ("P2P_WordSwap", {"start_percent": 0.0, "end_percent": 0.4})
    blend = ("P2P_LocalBlend", {"words": "background", "threshold": threshold, "start_percent": 0.2})
    exclude = {"exclude_words": "circle, red, blue, on, a"} if what == "nothing" else {}
    said = [
        text
        for text in warnings("a red circle on a green background", swap, (blend[0], {**blend[1], **exclude}))
        if "lets" in text
    ]
    assert len(said) == 1 and f"P2P Local Blend lets {what} of 'a red circle on a green background' change" in said[0]


def test_an_edit_that_shows_is_no_news(warnings):
    swap = ("P2P_WordSwap", {"start_percent": 0.0, "end_percent": 0.8})
    assert warnings("a red circle on a green background", swap) == []


def test_the_first_part_of_a_run_is_not_judged(warnings):
    swap = ("P2P_WordSwap", {"start_percent": 0.0, "end_percent": 0.8})
    said = warnings("a red circle on a green background", swap, start_step=0, last_step=2, force_full_denoise=False)
    assert said == []
