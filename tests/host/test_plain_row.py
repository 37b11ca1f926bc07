"""also_without_edit: one row more for each target prompt, which is that prompt's plain run."""

import pytest
import torch

from lab.random_transformers import JOINT, joint

from .graph import SIZES, blend, blend_mask, control, empty, encode, ksampler, node, prompt, reweight, rows, swap, watch

DEMO = ("a large red circle on a blue background", "a large yellow circle on a blue background")
WORDS = dict.fromkeys(("sd15", "sdxl"), ("a cat on a mat", "a hippopotamus on a mat")) | {"demo": DEMO}


def also(clip, source, target, more=""):
    prompts = {"source_prompt": source, "target_prompt": target, "more_targets": more}
    return node("P2P_EncodePromptPair", clip=clip, **prompts, also_without_edit=True)


@pytest.mark.parametrize("size", ["demo", "sd15", "sdxl wide"])
def test_the_row_is_the_targets_plain_run_and_the_others_are_untouched(size, request):
    name = size.split()[0]
    model, clip = request.getfixturevalue(name)[:2]
    source, target = WORDS[name]
    latent, negative = empty(SIZES[size]), prompt(clip)
    positive, edit = also(clip, source, target)
    patched, batch = control(model, swap(edit), latent, self_end=0.6, resolution="1/2")
    made = ksampler(patched, positive, negative, batch)["samples"]
    three = encode(clip, source, target, target).positive
    plain = ksampler(model, three, negative, rows(latent, 3))["samples"]
    assert torch.equal(made[0], plain[0]) and torch.equal(made[2], plain[2])
    assert not torch.equal(made[1], plain[1]), "the edit must do something"
    off, fewer = control(model, swap(encode(clip, source, target).edit), latent, self_end=0.6, resolution="1/2")
    alone = ksampler(off, positive, negative, fewer)["samples"]
    assert (made[:2] - alone).norm() <= 1e-4 * alone.norm()


def test_every_edit_leaves_it_alone(demo):
    """Word swap with a sweep, a reweight that adds rows, a blend and watched words, in a batch of two pictures."""
    positive, edit = also(demo.clip, *DEMO, "a small red circle on a blue background")
    chain = watch(blend(reweight(swap(edit, end_percent_sweep="0.3, 0.8"), "circle", 2.0), "circle"), "circle")
    assert [target.plain for target in chain.targets] == [False] * 4 + [True] * 2
    two = {"samples": torch.zeros(2, 3, 32, 32)}
    patched, batch = control(demo.model, chain, two)
    made = ksampler(patched, positive, prompt(demo.clip), batch)
    assert made["samples"].shape[0] == 14
    order = [DEMO[0], DEMO[1], DEMO[1], *["a small red circle on a blue background"] * 2]
    same = encode(demo.clip, order[0], order[1], "\n".join([*order[2:], DEMO[1], order[-1]])).positive
    again = {"samples": torch.zeros(14, 3, 32, 32), "batch_index": batch["batch_index"]}
    plain = ksampler(demo.model, same, prompt(demo.clip), again)["samples"]
    for row in (0, 5, 6, 7, 12, 13):
        assert torch.equal(made["samples"][row], plain[row])
    assert bool((blend_mask(made).reshape(2, 6, -1)[:, 4:] == 1).all())


def test_without_it_nothing_changes(demo):
    source = encode(demo.clip, *DEMO)
    prompts = {"source_prompt": DEMO[0], "target_prompt": DEMO[1], "more_targets": ""}
    assert node("P2P_EncodePromptPair", clip=demo.clip, **prompts, also_without_edit=False)[1] == source.edit


def test_the_one_node_has_it_too_and_the_sheets_say_so(demo, part):
    prompts = {"source_prompt": DEMO[0], "target_prompt": DEMO[1], "keep": "keep the layout", "words": "blend: circle"}
    latent = empty((3, 32, 32))
    made = node("P2P_Edit", model=demo.model, clip=demo.clip, latent=latent, **prompts, also_without_edit=True)
    edit, images = made[3], torch.rand(3, 32, 32, 3)
    assert made[2]["samples"].shape[0] == edit.rows == 3
    assert edit.targets[1].settings == ("without the edit",)
    assert node("P2P_Compare", images=images, edit=edit)[0].shape[0] == 2
    assert node("P2P_ContactSheet", images=images, edit=edit)[0].shape[0] == 1


@pytest.mark.parametrize("name", sorted(JOINT)[:2])
def test_joint_attention_leaves_it_alone_too(name):
    model, clip = joint(name)
    source, target = WORDS["sd15"]
    latent, negative = empty(JOINT[name].latent), prompt(clip)
    positive, edit = also(clip, source, target)
    patched, batch = control(model, swap(edit), latent, self_end=1.0)
    made = ksampler(patched, positive, negative, batch, steps=3)["samples"]
    three = encode(clip, source, target, target).positive
    plain = ksampler(model, three, negative, rows(latent, 3), steps=3)["samples"]
    assert torch.equal(made[0], plain[0]) and torch.equal(made[2], plain[2])
    assert not torch.equal(made[1], plain[1])


def test_plain_pictures_stand_below_those_of_the_edits(demo):
    """Four targets: a row of the source and the edits, and below it one of as many plain pictures."""
    more = "\n".join(f"a large {colour} circle on a blue background" for colour in ("white", "green", "black"))
    edit = swap(also(demo.clip, *DEMO, more)[1])
    sheet = node("P2P_ContactSheet", images=torch.zeros(9, 192, 192, 3), edit=edit)[0][0]
    dark = (sheet.amax(dim=2) == 0).float()
    heights = [row for row in range(1, sheet.shape[0]) if dark[row].sum() >= 4 * 192 > dark[row - 1].sum()]
    assert sheet.shape[1] == 12 + 5 * (192 + 12) and len(heights) == 2
    assert dark[heights[0]].sum() == 5 * 192 and dark[heights[1]].sum() == 4 * 192
    assert dark[heights[1], :204].sum() == 0
