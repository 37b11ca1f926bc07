"""A local blend that keeps what attention reads of the source, against a materialised one, and all around it."""

import pytest
import torch

from lab.random_transformers import JOINT, joint

from .alignments import swapped, tokens
from .family import ADDED, SOURCE, SWAPPED, Family, close, edited, family_of, plain
from .graph import blend, blend_mask, control, empty, encode, invert, node, prompt, refine, rows, sample, swap
from .materialised_joint import JointEdit, materialise
from .materialised_keep import keep
from .materialised_run import compare, levels
from .test_joint_materialised import STARTS

WINDOWS = [(0.8, 0.4), (0.4, 0.0), (0.0, 0.4)]
STEPS = 4


@pytest.fixture(scope="module", params=JOINT)
def family(request):
    model, clip = joint(request.param, own_text=False)
    return Family(request.param, model, clip, empty(JOINT[request.param].latent))


def mask_of(family, seed=0) -> tuple[torch.Tensor, torch.Tensor]:
    """A mask [1, H, W] of 0 and 1 in the latent's size, and its mean over each of 4×4 tokens [16]."""
    height, width = family.latent["samples"].shape[-2:]
    mask = (torch.rand(1, height, width, generator=torch.Generator().manual_seed(seed)) > 0.6).float()
    mask[:, : height // 2, : width // 2] = 0
    return mask, mask.reshape(4, height // 4, 4, width // 4).mean(dim=(1, 3)).flatten()


def firsts(family, *lengths: int) -> dict[int, int]:
    """Where the picture begins, by the number of all tokens, for prompts of so many."""
    begins = [STARTS.get(family.name, lambda t: (0, t))(length)[1] for length in lengths]
    return {first + (32 if family.name == "zimage" else 16): first for first in begins}


@pytest.mark.parametrize("windows", WINDOWS)
def test_with_a_swap_of_unequal_length(family, windows):
    name, model, clip, _ = family
    pair = encode(clip, SOURCE, SWAPPED)
    length = pair.positive[0][0].shape[1]
    columns = swapped(tokens(clip, SOURCE, length), tokens(clip, SWAPPED, length))
    edit = JointEdit(
        columns,
        own=torch.zeros(length),
        strength=torch.ones(length),
        cross=levels(model, windows[0]),
        image=levels(model, windows[1]),
        text=STARTS.get(name, lambda t: (0, t))(length)[0],
        first=STARTS.get(name, lambda t: (0, t))(length)[1],
        pixels=16,
    )
    mask, free = mask_of(family)
    plan = blend(swap(pair.edit, end=windows[0]), mask=mask, keep="values", start=0.0)
    whole = levels(model, 0.0)[0], -1.0
    override = keep(free[None], firsts(family, length), whole, materialise(edit))
    compare(family, pair, plan, windows[1], override, least=1e-4)


def test_with_guidance_two_targets_and_two_pictures(family):
    """The unconditional rows keep too, whose prompt has another length; from the middle of the run on."""
    _, model, clip, latent = family
    positive, plan = encode(clip, SOURCE, SWAPPED, more=ADDED)
    negative = prompt(clip, "a dog")
    mask, free = mask_of(family)
    plan = blend(plan, mask=mask, keep="values", start=0.5)
    pictures = {"samples": latent["samples"].repeat(2, *[1] * (latent["samples"].ndim - 1)), "batch_index": [0, 1]}
    patched, batch = control(model, plan, pictures, self_end=0.0)
    options = {"steps": STEPS, "cfg": 3.0}
    made = sample(patched, positive, negative, batch, **options)
    reference = model.clone()
    both = {key: batch[key] for key in ("samples", "batch_index")}
    expanded = [[entry[0].repeat(2, 1, 1), {key: _twice(x) for key, x in entry[1].items()}] for entry in positive]
    unkept = sample(reference, expanded, negative, both, **options)
    lengths = firsts(family, positive[0][0].shape[1], negative[0][0].shape[1])
    override = keep(free.repeat(2, 1), lengths, (levels(model, 0.5)[1], -1.0))
    reference.model_options["transformer_options"]["optimized_attention_override"] = override
    expected = sample(reference, expanded, negative, both, **options)
    assert torch.equal(made[::3], unkept[::3])
    assert float((made - expected).norm() / expected.norm()) <= 1e-5
    assert float((unkept - expected).norm() / expected.norm()) > 1e-4


def _twice(value):
    return value.repeat(2, *[1] * (value.ndim - 1)) if torch.is_tensor(value) and value.ndim else value


def test_all_let_through_is_the_unblended_run(family):
    pair = encode(family.clip, SOURCE, SWAPPED)
    plan = swap(pair.edit, end=0.4)
    made = edited(family, pair, blend(plan, mask=torch.ones(1, 8, 8), keep="values", start=0.0), 0.2)
    assert torch.equal(made, edited(family, pair, plan, 0.2))


def test_words_make_the_mask(family):
    """From the second step on, from what was read in the first; the source stays the plain run's."""
    pair = encode(family.clip, SOURCE, SWAPPED)
    how = {"mask": mask_of(family)[0], "mask_use": "mask and words", "keep": "values"}  # 4×4 words may cover it all
    plan = blend(swap(pair.edit, end=0.4), "cat, hippopotamus", threshold=0.5, start=0.0, **how)
    model, latent = control(family.model, plan, family.latent, self_end=0.2)
    made = {**latent, "samples": sample(model, pair.positive, prompt(family.clip), latent, steps=3)}
    mask = blend_mask(made)
    assert 0.0 < float(mask.mean()) < 1.0
    assert torch.equal(made["samples"][0], plain(family, pair)[0])
    free = edited(family, pair, swap(pair.edit, end=0.4), 0.2)
    assert not close(made["samples"][1:], free[1:])


def test_a_cached_source_stays_in_the_batch(cache, caplog):
    """In the calls that keep its values, and a line says so; in the others it is left out."""
    _, model, clip, latent = family_of("chroma")
    pair = encode(clip, SOURCE, SWAPPED)

    def run(start, memory):
        plan = blend(swap(pair.edit, end=1.0), mask=torch.eye(8)[None], keep="values", start=start)
        patched, batch = control(model, plan, latent, self_end=1.0, cache=memory)
        return sample(patched, pair.positive, prompt(clip), batch, steps=4)

    expected = run(0.5, 0.0)
    first = run(0.0, 1.0)
    caplog.set_level("INFO")
    made = run(0.5, 1.0)
    assert torch.equal(made[0], first[0])
    assert float((made - expected).norm() / expected.norm()) <= 1e-5
    lines = [line for line in caplog.messages if "left out of" in line]
    assert "left out of 2 of" in lines[-1] or "left out of 4 of" in lines[-1], lines
    assert "the local blend keeps the source's values" in lines[-1]


@pytest.mark.parametrize("method", ["direct", "aligned"])
@torch.inference_mode()
def test_an_inverted_picture(cache, method):
    """The source's rows are computed, which are left out without the blend, with a cache and without."""
    _, model, clip, latent = family_of("flux")
    picture = {"samples": torch.rand(latent["samples"].shape, generator=torch.Generator().manual_seed(0)) * 2 - 1}
    pair, steps, calls = encode(clip, SOURCE, SWAPPED), 3, []
    network = model.get_model_object("diffusion_model")
    hook = network.register_forward_pre_hook(lambda module, inputs: calls.append(len(inputs[0])))

    def run(memory, plan):
        inversion = invert(model, pair.positive, picture, steps, scheduler="simple", method=method, cache=memory)
        patched, batch = control(model, plan, picture, self_end=0.4, inversion=inversion[0], cache=memory)
        calls.clear()
        made = sample(patched, pair.positive, prompt(clip), batch, steps=steps, scheduler="simple")
        return made, sum(calls)

    plan = blend(swap(pair.edit), mask=torch.zeros(1, 8, 8), keep="values", start=0.0)
    (kept, rows_kept), (cached, rows_cached) = run(0.0, plan), run(1.0, plan)
    free, rows_free = run(0.0, swap(pair.edit))
    hook.remove()
    assert rows_free < rows_kept == rows_cached == 4 * steps
    assert close(kept[0], picture["samples"][0]) and close(cached, kept) and not close(kept[1], free[1])


def test_a_plain_target_is_left_alone():
    family = family_of("chroma")
    inputs = {"source_prompt": SOURCE, "target_prompt": SWAPPED, "more_targets": "", "also_without_edit": True}
    positive, plan = node("P2P_EncodePromptPair", clip=family.clip, **inputs)
    plan = blend(swap(plan), mask=torch.zeros(1, 8, 8), keep="values", start=0.0)
    model, latent = control(family.model, plan, family.latent)
    made = sample(model, positive, prompt(family.clip), latent, steps=3)
    pair = [[positive[0][0][[0, 1, 1]], {key: _three(x) for key, x in positive[0][1].items()}]]
    unedited = sample(family.model, pair, prompt(family.clip), rows(family.latent, 3), steps=3)
    assert torch.equal(made[2], unedited[2]) and not torch.equal(made[1], unedited[1])


def _three(value):
    return value[[0, 1, 1]] if torch.is_tensor(value) and value.ndim and len(value) == 2 else value


def test_only_where_there_is_joint_attention(demo):
    wan = family_of("wan")
    for model, clip, latent in ((demo.model, demo.clip, empty((3, 32, 32))), wan[1:]):
        plan = blend(encode(clip, SOURCE, SWAPPED).edit, keep="values")
        with pytest.raises(ValueError, match=r"P2P Local Blend: keep is 'values', which needs .* Choose 'latent'"):
            control(model, plan, latent)


def test_all_blends_of_an_edit_keep_alike(demo):
    plan = blend(encode(demo.clip, SOURCE, SWAPPED).edit, keep="values")
    with pytest.raises(ValueError, match=r"P2P Local Blend: keep is 'latent', and another .* has 'values'"):
        blend(plan, "cat")


def test_a_mask_that_comes_too_late():
    family = family_of("chroma")
    pair = encode(family.clip, SOURCE, SWAPPED)
    model, latent = control(family.model, blend(refine(pair.edit), start=0.0, keep="values"), family.latent)
    with pytest.raises(RuntimeError, match=r"P2P Local Blend: keep is 'values', and the mask was only known"):
        sample(model, pair.positive, prompt(family.clip), latent, steps=1)
