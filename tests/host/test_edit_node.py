"""The one node to start with does what the chain of single nodes does, and refuses what they refuse."""

import nodes
import pytest
import torch

from lab.random_transformers import JOINT, joint
from p2p_attention.edits.presets import JOINT_PRESETS

from .graph import blend, control, empty, encode, node, prompt, reweight, sample, swap

SOURCE, TARGET = "a large red circle on a blue background", "a large yellow circle on a blue background"


def edit(demo, words="", keep="keep the layout", target=TARGET):
    return node(
        "P2P_Edit",
        model=demo.model,
        clip=demo.clip,
        latent=empty((3, 32, 32)),
        source_prompt=SOURCE,
        target_prompt=target,
        keep=keep,
        words=words,
    )


def test_it_is_the_chain_bit_for_bit(demo):
    model, positive, latent, plan = edit(demo, "large: strength 2\nyellow: 0 - 0.6\nblend: circle", "keep the shape")
    chain, expected = encode(demo.clip, SOURCE, TARGET)
    expected = blend(reweight(swap(expected, end=1.0, word_windows="yellow: 0 - 0.6"), "large", 2.0), "circle")
    assert plan == expected
    singles, rows = control(demo.model, expected, empty((3, 32, 32)), self_end=0.8)
    one = sample(model, positive, prompt(demo.clip), latent, steps=4)
    assert torch.equal(one, sample(singles, chain, prompt(demo.clip), rows, steps=4))


def test_what_is_kept_suits_a_transformer():
    model, clip = joint("chroma")
    latent = empty(JOINT["chroma"].latent)
    made = node("P2P_Edit", model=model, clip=clip, latent=latent, source_prompt=SOURCE, target_prompt=TARGET,
                keep="keep the shape")  # fmt: skip
    positive, plan = encode(clip, SOURCE, TARGET)
    preset = JOINT_PRESETS["keep the shape"]
    assert made[3] == swap(plan, end=preset.cross_end)
    one = sample(made[0], made[1], prompt(clip), made[2], steps=4)
    singles, rows = control(model, swap(plan, end=preset.cross_end), latent, self_end=preset.self_end)
    assert torch.equal(one, sample(singles, positive, prompt(clip), rows, steps=4))


def test_equal_prompts_with_a_strength(demo):
    plan = edit(demo, "red: strength 3", target=SOURCE)[3]
    assert plan == reweight(encode(demo.clip, SOURCE, SOURCE).edit, "red", 3.0)


def test_what_it_refuses(demo):
    with pytest.raises(ValueError, match=r"P2P Edit: .*same words"):
        edit(demo, target=SOURCE)
    with pytest.raises(ValueError, match=r"P2P Edit: 'cat' does not occur"):
        edit(demo, "cat: strength 2")
    kind = nodes.NODE_CLASS_MAPPINGS["P2P_Edit"]
    assert kind.validate_inputs(words="car: 0.0 - 0.4") is True and kind.validate_inputs(words=None) is True
    assert "cannot be read" in kind.validate_inputs(words="car much")
