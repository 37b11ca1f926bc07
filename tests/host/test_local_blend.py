"""E7 and the masks: words, the user's own, soft edges, several blends, and what the mask node gives."""

import nodes
import pytest
import torch

from .graph import blend, blend_mask, control, empty, encode, ksampler, prompt, run_in_parts, sample, swap

SOURCE, TARGET = "a red circle on a blue background", "a yellow circle on a blue background"
SHAPE = (3, 32, 24)


@pytest.fixture
def blended(demo):
    """Sample a word swap with local blends, each given as inputs of the node; returns the sampler's latent."""

    def run(*blends, source=SOURCE, target=TARGET, seed=7, extra=None, model=None, edited=True, **options):
        positive, edit = encode(demo.clip, source, target)
        edit = swap(edit, end=0.6) if edited else edit
        for inputs in blends:
            edit = blend(edit, **{"start": 0.0, "resolution": "1/2", **inputs})
        patched, latent = control(
            model or demo.model, edit, {**empty(SHAPE), **(extra or {})}, self_end=0.2, resolution="1/2"
        )
        return ksampler(patched, positive, prompt(demo.clip), latent, seed=seed, **options)

    return run


def changed(latent) -> torch.Tensor:
    """Where the target differs from the source. Returns [H, W] of bool."""
    source, target = latent["samples"]
    return (source != target).any(dim=0)


NOTHING, ALL = torch.zeros(1, 8, 8), torch.ones(1, 5, 9)
LEFT = torch.cat([torch.ones(1, 32, 12), torch.zeros(1, 32, 12)], dim=2)
SAMPLERS = ["euler", "heun", "dpmpp_2m", "dpmpp_sde", "uni_pc", "euler_ancestral", "euler_cfg_pp", "res_multistep"]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("start", [0.0, 0.2])
def test_e7_nothing_let_through_is_the_source(sampler, start, blended):
    made = blended({"mask": NOTHING, "start": start}, sampler=sampler, steps=6)
    assert not changed(made).any()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_e7_all_let_through_is_the_unblended_run(sampler, blended):
    made, plain = blended({"mask": ALL, "softness": 2.0}, sampler=sampler), blended(sampler=sampler)
    assert torch.equal(made["samples"], plain["samples"])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_outside_the_users_mask_the_target_is_the_source(sampler, blended):
    made, plain = blended({"mask": LEFT}, sampler=sampler), blended(sampler=sampler)
    assert not changed(made)[:, 12:].any() and changed(made)[:, :12].all()
    assert torch.equal(made["samples"][0], plain["samples"][0])


def test_words_make_a_mask_of_their_own(blended):
    made = blended({"threshold": 0.6}, steps=8)
    mask = blend_mask(made)
    assert mask.shape == (1, 32, 24)
    assert 0.02 < float(mask.mean()) < 0.9
    assert torch.equal(changed(made), mask[0] > 0)


def test_named_words_of_either_prompt_and_words_to_leave_out(blended):
    circle = blend_mask(blended({"words": "red, circle"}))
    less = blend_mask(blended({"words": "red, circle", "exclude_words": "circle"}))
    assert float(less.mean()) < 0.8 * float(circle.mean())
    more = blend_mask(blended({"words": "red", "threshold": 0.0}))
    assert bool((more == 1).all()), "a threshold of nothing lets all through"


@pytest.mark.parametrize("words", ["", "square"])
def test_a_thing_taken_away_is_where_the_source_has_it(words, blended):
    """Its words are in the source's prompt alone."""
    source, target = "a red circle and a blue square on a white background", "a red circle on a white background"
    made = blended({"words": words, "threshold": 0.5}, source=source, target=target, steps=8)
    mask = blend_mask(made)
    assert 0.02 < float(mask.mean()) < 0.9 and torch.equal(changed(made), mask[0] > 0)


def test_a_word_of_the_source_alone_has_one_mask_for_all_targets(blended):
    source, named = "a red circle and a blue square on a white background", {"words": "square", "threshold": 0.5}
    targets = ("a red circle on a white background", "a green circle on a white background")
    first, second = (blend_mask(blended(named, source=source, target=target, steps=8)) for target in targets)
    assert torch.equal(first, second)


@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_the_predictions_difference_makes_a_mask_without_words(blended, cfg):
    made = blended({"mask_from": "difference"}, steps=8, cfg=cfg)
    mask = blend_mask(made)
    assert 0.05 < float(mask.mean()) < 0.7 and torch.equal(changed(made), mask[0] > 0)
    both = blend_mask(
        blended({"mask_from": "difference", "mask": LEFT, "mask_use": "mask and words"}, steps=8, cfg=cfg)
    )
    assert float(both[:, :, 12:].max()) == 0 and float(both.mean()) > 0
    alike = blended({"mask_from": "difference"}, target=SOURCE.replace("red", "red "), steps=4, cfg=cfg, edited=False)
    assert not changed(alike).any()


def test_the_difference_needs_no_word(blended):
    with pytest.raises(ValueError, match="P2P Local Blend: words are named .'circle'., but mask_from is 'difference'"):
        blended({"mask_from": "difference", "words": "circle"})


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_middle_of_a_few_steps(blended, steps):
    assert blend_mask(blended({"mask_from": "difference"}, steps=steps)).shape == (1, 32, 24)


def test_an_auto_resolution_is_the_level_nearest_16(blended):
    auto, half = (blended({"resolution": resolution}) for resolution in ("auto", "1/2"))
    assert torch.equal(auto["samples"], half["samples"])


def test_a_mask_with_the_words(blended):
    def mask(use):
        return blend_mask(blended({"mask": LEFT, "mask_use": use}))

    words = blend_mask(blended({}))
    only, both, either = (mask(use) for use in ("mask only", "mask and words", "mask or words"))
    assert torch.equal(only, LEFT)
    assert float(both[:, :, 12:].max()) == 0 and bool((either[:, :, :12] == 1).all())
    assert float(words.mean()) > 0


def test_a_soft_edge(blended):
    made = blended({"mask": LEFT, "softness": 1.5})
    mask = blend_mask(made)
    assert float(mask[0, :, 0].min()) == 1 and float(mask[0, :, -1].max()) == 0
    assert bool((mask[0, :, 1:] <= mask[0, :, :-1]).all()) and 0 < float(mask[0, 0, 12]) < 0.5


def test_two_blends_let_both_through(blended):
    right = LEFT.flip(2)
    made, plain = blended({"mask": LEFT}, {"mask": right}), blended()
    assert torch.equal(made["samples"], plain["samples"])


def test_each_run_has_its_own_mask(blended, demo):
    positive, edit = encode(demo.clip, SOURCE, TARGET)
    edit = blend(edit, "circle", threshold=0.5, start=0.0, resolution="1/2")
    model, latent = control(demo.model, edit, empty(SHAPE), self_end=0.4, resolution="1/2")
    runs = [ksampler(model, positive, prompt(demo.clip), latent, seed=seed) for seed in (1, 2)]
    for made in runs:
        assert torch.equal(changed(made), blend_mask(made)[0] > 0)
    with pytest.raises(ValueError, match="P2P Blend Mask: these samples are not those of a run"):
        blend_mask({**latent, "samples": torch.zeros_like(latent["samples"])})
    with pytest.raises(ValueError, match="P2P Blend Mask"):
        blend_mask(empty(SHAPE))


def test_an_inpainting_mask_beside_the_blend(blended):
    """Where the host's own noise mask is black nothing changes at all; the blend rules the rest."""
    noise_mask = torch.zeros(1, 1, 32, 24)
    noise_mask[..., :16, :] = 1
    made = blended({"mask": LEFT}, extra={"noise_mask": noise_mask})
    differs = changed(made)
    assert differs[:16, :12].any() and not differs[16:].any() and not differs[:, 12:].any()


def test_several_targets_have_masks_of_their_own(demo):
    positive, edit = encode(demo.clip, SOURCE, TARGET, more="a red circle on a green background")
    edit = swap(edit, end=0.6)
    edit = blend(edit, "", threshold=0.6, start=0.0, resolution="1/2")
    model, latent = control(demo.model, edit, empty(SHAPE), self_end=0.4, resolution="1/2")
    made = ksampler(model, positive, prompt(demo.clip), latent)
    masks = blend_mask(made)
    pictures = made["samples"]
    for row, mask in enumerate(masks, start=1):
        assert torch.equal((pictures[row] != pictures[0]).any(dim=0), mask > 0)
    assert not torch.equal(*masks)


def test_e9_again(blended):
    assert torch.equal(blended({})["samples"], blended({})["samples"])


def test_words_through_a_replaced_attention_and_an_override_of_another_pack(blended, demo):
    """An override set by another node still runs, for the picture and for the maps."""
    seen = []

    def override(function, *args, **kwargs):
        seen.append(1)
        return function(*args, **kwargs)

    other = demo.model.clone()
    other.model_options["transformer_options"]["optimized_attention_override"] = override
    assert torch.equal(blended({}, model=other)["samples"], blended({})["samples"])
    assert seen and other.model_options["transformer_options"]["optimized_attention_override"] is override


@pytest.mark.parametrize(
    "blend, message",
    [
        ({"words": "cat"}, r"P2P Local Blend: 'cat' does not occur in the source or target prompt"),
        ({"threshold": 1.0}, r"P2P Local Blend: threshold is 1\.0"),
        ({"threshold": float("nan")}, "P2P Local Blend: threshold is nan"),
        ({"softness": -1.0}, "P2P Local Blend: softness is -1.0"),
        ({"start": 1.5}, r"P2P Local Blend: start_percent is 1\.5"),
        ({"start": 1.0}, None),
        ({"mask": torch.ones(2, 8, 8)}, r"P2P Local Blend: the mask is of shape \[2, 8, 8\]"),
        ({"mask": torch.ones(0, 8, 8)}, "P2P Local Blend: the mask is of shape"),
        ({"mask": torch.full((1, 8, 8), float("nan"))}, "P2P Local Blend: the mask has values"),
    ],
)
def test_mistakes(blend, message, blended):
    if message is None:
        assert changed(blended(blend)).any(), "an empty window is the way to switch the blend off"
        return
    with pytest.raises(ValueError, match=message):
        blended(blend)


def test_no_changed_words_and_none_named(demo):
    _, edit = encode(demo.clip, SOURCE, SOURCE)
    with pytest.raises(ValueError, match="P2P Local Blend: a target prompt has the same words"):
        blend(edit, "", threshold=0.3, start=0.2)


def test_a_target_without_any_of_the_named_words(demo):
    _, edit = encode(demo.clip, "a red circle", "a yellow circle", more="a green circle")
    with pytest.raises(ValueError, match="nor the target prompt 'a green circle' has any of the words 'yellow'"):
        blend(edit, "yellow", threshold=0.3, start=0.2)
    with pytest.raises(ValueError, match="words are named .'circle'., but mask_use is 'mask only'"):
        blend(edit, "circle", threshold=0.3, start=0.2, mask=ALL)


def test_a_run_in_two_parts(blended, demo):
    """With the mask from the start of each part, the second goes on as the whole run would."""
    positive, edit = encode(demo.clip, SOURCE, TARGET)
    edit = blend(edit, "", threshold=0.3, start=0.0, mask=LEFT)
    model, latent = control(demo.model, edit, empty(SHAPE), self_end=0.4, resolution="1/2")
    parts = run_in_parts(model, positive, prompt(demo.clip), latent)
    assert not changed(parts)[:, 12:].any() and changed(parts)[:, :12].any()


def test_no_layer_of_the_size_asked_for(blended):
    with pytest.raises(RuntimeError, match=r"P2P Local Blend: .* layers are of .*16×12, none is 1/8 of .*32×24"):
        blended({"resolution": "1/8"})


@pytest.mark.parametrize("shape", [(3, 34, 34), (3, 33, 35), (3, 37, 26)])
@pytest.mark.parametrize("resolution", ["1/4", "1/2"])
def test_sizes_that_do_not_halve(shape, resolution, demo):
    """The demo model pools, so its levels round down."""
    positive, edit = encode(demo.clip, SOURCE, TARGET)
    edit = swap(edit, end=0.6)
    edit = blend(edit, "circle", threshold=0.8, start=0.0, resolution=resolution)
    model, latent = control(demo.model, edit, empty(shape), self_end=0.4, resolution=resolution)
    made = ksampler(model, positive, prompt(demo.clip), latent)
    assert 0 < changed(made).float().mean() < 1


def test_a_negative_in_an_area_beside_a_whole_one(demo):
    """The host gives the positive a copy in that area, which has no map of the whole picture, and needs none."""
    positive, edit = encode(demo.clip, SOURCE, TARGET)
    edit = swap(edit, end=0.6)
    edit = blend(edit, "circle", threshold=0.8, start=0.0, resolution="1/2")
    model, latent = control(demo.model, edit, empty(SHAPE), self_end=0.2, resolution="1/2")
    whole = prompt(demo.clip)
    corner = [[whole[0][0], {**whole[0][1], "area": (8, 8, 0, 0)}]]
    made = ksampler(model, positive, [*corner, *whole], latent)
    assert 0 < changed(made).float().mean() < 1


def test_a_pair_in_an_area_has_no_place_for_the_mask(blended, demo):
    positive, edit = encode(demo.clip, SOURCE, TARGET)
    edit = blend(edit, "", threshold=0.3, start=0.0, resolution="1/2")
    model, latent = control(demo.model, edit, empty(SHAPE), self_end=0.4, resolution="1/2")
    area = [[positive[0][0], {**positive[0][1], "area": (16, 16, 0, 0)}]]
    (both,) = nodes.ConditioningCombine().combine(prompt(demo.clip, "a green background"), area)
    with pytest.raises(ValueError, match="P2P Local Blend: .* area"):
        sample(model, both, prompt(demo.clip), latent)
