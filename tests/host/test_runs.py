"""Every way the host has of running a sampler: the edit holds there, and the source row stays the plain run's."""

import contextlib

import comfy.samplers
import nodes
import pytest
import torch

from .sampling import empty, negative, rows, sample, sample_in_parts

SOURCE, TARGET = "a red circle on a blue background", "a yellow circle on a blue background"
SHAPE = (3, 16, 16)


@pytest.fixture
def edited(node, demo):
    """(patched model, positive, latent) of a word swap with self-attention."""

    def build(source=SOURCE, target=TARGET, windows=(0.0, 0.8, 0.0, 0.4)):
        positive, edit = node("P2P_EncodePromptPair", clip=demo[1], source_prompt=source, target_prompt=target)
        if source != target:
            (edit,) = node("P2P_WordSwap", edit=edit, start_percent=windows[0], end_percent=windows[1])
        model, latent = node(
            "P2P_AttentionController",
            model=demo[0],
            edit=edit,
            latent=empty(SHAPE),
            self_start_percent=windows[2],
            self_end_percent=windows[3],
            self_resolution="1/2",
        )
        return model, positive, latent

    return build


@pytest.fixture
def little_memory(demo):
    """Within it, the host runs the rows of every prompt in a call of their own."""

    @contextlib.contextmanager
    def pressed():
        usual = demo[0].model.memory_usage_factor
        demo[0].model.memory_usage_factor = 1e12
        try:
            yield
        finally:
            demo[0].model.memory_usage_factor = usual

    return pressed


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_sde", "dpmpp_2m_sde_gpu", "lcm", "ddpm"])
def test_a_sampler_that_draws_noise_draws_it_as_for_the_source_alone(sampler, edited, demo):
    model, positive, latent = edited()
    made = sample(model, positive, negative(demo[1]), latent, sampler=sampler)
    plain = sample(demo[0], negative(demo[1], SOURCE), negative(demo[1]), empty(SHAPE), sampler=sampler)
    assert (made[0] - plain[0]).norm() <= 1e-4 * plain.norm()
    assert not torch.equal(made[0], made[1])


def test_guidance_of_one_has_no_unconditional_rows(edited, demo):
    model, positive, latent = edited()
    made = sample(model, positive, negative(demo[1]), latent, cfg=1.0)
    plain = sample(demo[0], positive, negative(demo[1]), rows(empty(SHAPE), 2), cfg=1.0)
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_separate_calls_for_little_memory(edited, demo, little_memory):
    model, positive, latent = edited()
    together = sample(model, positive, negative(demo[1]), latent)
    calls = []

    def count(apply, arguments):
        calls.append(len(arguments["cond_or_uncond"]))
        return apply(arguments["input"], arguments["timestep"], **arguments["c"])

    watched = model.clone()
    watched.set_model_unet_function_wrapper(count)
    with little_memory():
        apart = sample(watched, positive, negative(demo[1]), latent)
    assert set(calls) == {1}
    torch.testing.assert_close(apart, together, rtol=1e-4, atol=1e-4)


def test_a_longer_negative_prompt_repeats_the_pairs_tokens(edited, demo, little_memory):
    """The host pads the shorter prompts by repeating them; the edit must not care."""
    long = negative(demo[1], "blurry " * 90)
    model, positive, latent = edited(target="a large red circle on a blue background")
    made = sample(model, positive, long, latent)
    with little_memory():
        expected = sample(model, positive, long, latent)
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-4)


def test_a_run_split_in_two_is_the_whole_run(edited, demo):
    model, positive, latent = edited()
    whole = sample(model, positive, negative(demo[1]), latent, steps=8)
    parts = sample_in_parts(model, positive, negative(demo[1]), latent, split=6)
    torch.testing.assert_close(parts["samples"], whole, rtol=1e-5, atol=1e-5)


def test_a_window_that_opens_within_the_last_step_before_the_split(edited, demo):
    model, positive, latent = edited(windows=(0.51, 1.0, 0.0, 0.0))
    whole = sample(model, positive, negative(demo[1]), latent, steps=8)
    parts = sample_in_parts(model, positive, negative(demo[1]), latent)
    torch.testing.assert_close(parts["samples"], whole, rtol=1e-5, atol=1e-5)


def test_denoise_from_a_picture(edited, demo, node):
    _, positive, _ = edited()
    picture = torch.rand(1, 16, 16, 3, generator=torch.Generator().manual_seed(0))
    (encoded,) = nodes.VAEEncode().encode(demo[2], picture)
    _, edit = node("P2P_EncodePromptPair", clip=demo[1], source_prompt=SOURCE, target_prompt=TARGET)
    (edit,) = node("P2P_WordSwap", edit=edit, start_percent=0.0, end_percent=0.8)
    model, latent = node(
        "P2P_AttentionController",
        model=demo[0],
        edit=edit,
        latent=encoded,
        self_start_percent=0.0,
        self_end_percent=0.0,
    )
    made = sample(model, positive, negative(demo[1]), latent, denoise=0.7)
    plain = sample(demo[0], positive, negative(demo[1]), rows(encoded, 2), denoise=0.7)
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_conditioning_nodes_keep_the_pair(edited, demo):
    model, positive, latent = edited()
    (windowed,) = nodes.ConditioningSetTimestepRange().set_range(positive, 0.0, 1.0)
    whole = sample(model, positive, negative(demo[1]), latent)
    assert torch.equal(sample(model, windowed, negative(demo[1]), latent), whole)


def test_two_pairs_of_rows_in_one_combined_positive(edited, demo):
    model, positive, latent = edited()
    (both,) = nodes.ConditioningCombine().combine(positive, positive)
    once = sample(model, positive, negative(demo[1]), latent)
    torch.testing.assert_close(sample(model, both, negative(demo[1]), latent), once, rtol=1e-3, atol=1e-3)


def test_a_pair_in_one_area_beside_another_prompt(edited, demo):
    """The host gives the negative a copy of the area's entry; its rows must stay unedited."""
    model, positive, latent = edited()
    (area,) = nodes.ConditioningSetArea().append(positive, 16, 16, 0, 0, 1.0)
    whole = negative(demo[1], "a green background")
    (both,) = nodes.ConditioningCombine().combine(whole, [[area[0][0], {**area[0][1], "area": (16, 8, 0, 0)}]])
    made = sample(model, both, negative(demo[1]), latent)
    plain = sample(demo[0], both, negative(demo[1]), rows(empty(SHAPE), 2))
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_a_negative_with_an_area_gives_the_positive_a_copy_that_is_edited_too(edited, demo):
    model, positive, latent = edited()
    low = negative(demo[1], "a green background")
    low = [[low[0][0], {**low[0][1], "area": (16, 16, 0, 0)}]]
    made = sample(model, positive, low, latent)
    once = sample(model, positive, negative(demo[1], "a green background"), latent)
    torch.testing.assert_close(made, once, rtol=1e-3, atol=1e-3)


def test_a_pair_under_a_mask_beside_another_prompt(edited, demo):
    model, positive, latent = edited()
    left = torch.zeros(1, 16, 16)
    left[:, :, :8] = 1
    (masked,) = nodes.ConditioningSetMask().append(positive, left, "default", 1.0)
    (both,) = nodes.ConditioningCombine().combine(negative(demo[1], "a green background"), masked)
    made = sample(model, both, negative(demo[1]), latent)
    plain = sample(demo[0], both, negative(demo[1]), rows(empty(SHAPE), 2))
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_a_pair_that_begins_late(edited, demo):
    """Another prompt makes the first part of the run, the pair the rest."""
    model, positive, latent = edited()
    (late,) = nodes.ConditioningSetTimestepRange().set_range(positive, 0.3, 1.0)
    (early,) = nodes.ConditioningSetTimestepRange().set_range(negative(demo[1], "a green background"), 0.0, 0.3)
    (both,) = nodes.ConditioningCombine().combine(early, late)
    made = sample(model, both, negative(demo[1]), latent, steps=6)
    plain = sample(demo[0], both, negative(demo[1]), rows(empty(SHAPE), 2), steps=6)
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_a_pair_that_begins_late_and_alone(edited, demo):
    """Without guidance the model is not called at all before."""
    model, positive, latent = edited()
    (late,) = nodes.ConditioningSetTimestepRange().set_range(positive, 0.3, 1.0)
    made = sample(model, late, negative(demo[1]), latent, steps=6, cfg=1.0)
    plain = sample(demo[0], late, negative(demo[1]), rows(empty(SHAPE), 2), steps=6, cfg=1.0)
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_a_pair_that_begins_after_the_first_part_of_a_split_run(node, demo):
    positive, edit = node("P2P_EncodePromptPair", clip=demo[1], source_prompt=SOURCE, target_prompt=TARGET)
    (edit,) = node("P2P_WordSwap", edit=edit, start_percent=0.0, end_percent=0.9)
    (edit,) = node("P2P_WatchWords", edit=edit, words="circle", map_resolution="1/2")
    windows = {"self_start_percent": 0.0, "self_end_percent": 0.4, "self_resolution": "1/2"}
    model, latent = node("P2P_AttentionController", model=demo[0], edit=edit, latent=empty(SHAPE), **windows)
    (late,) = nodes.ConditioningSetTimestepRange().set_range(positive, 0.55, 1.0)
    (early,) = nodes.ConditioningSetTimestepRange().set_range(negative(demo[1], "a green background"), 0.0, 0.55)
    (both,) = nodes.ConditioningCombine().combine(early, late)
    whole = sample(model, both, negative(demo[1]), latent, steps=8)
    parts = sample_in_parts(model, both, negative(demo[1]), latent)
    torch.testing.assert_close(parts["samples"], whole, rtol=1e-5, atol=1e-5)


def test_the_pair_without_its_words_as_the_negative(edited, demo):
    model, positive, latent = edited()
    (zeroed,) = nodes.ConditioningZeroOut().zero_out(positive)
    (alone,) = nodes.ConditioningZeroOut().zero_out(negative(demo[1]))
    made = sample(model, positive, zeroed, latent)
    assert torch.equal(made, sample(model, positive, alone, latent)) and not torch.equal(made[0], made[1])


def test_an_empty_latent_made_for_another_vae(edited, demo, node):
    """The host makes it eight times as large for the demo model, so it is not too small."""
    (latent,) = nodes.EmptyLatentImage().generate(16, 16)
    positive, edit = node("P2P_EncodePromptPair", clip=demo[1], source_prompt=SOURCE, target_prompt=TARGET)
    (edit,) = node("P2P_WordSwap", edit=edit, start_percent=0.0, end_percent=0.8)
    windows = {"self_start_percent": 0.0, "self_end_percent": 0.4, "self_resolution": "1/2"}
    model, batch = node("P2P_AttentionController", model=demo[0], edit=edit, latent=latent, **windows)
    run = nodes.KSampler().sample
    (made,) = run(model, 7, 5, 4.0, "euler", "normal", positive, negative(demo[1]), batch)
    assert made["samples"].shape == (2, 3, 16, 16)


def test_an_inpainting_mask(edited, demo):
    model, positive, latent = edited()
    noise_mask = torch.zeros(1, 1, 16, 16)
    noise_mask[..., 8:] = 1
    made = sample(model, positive, negative(demo[1]), {**latent, "noise_mask": noise_mask})
    plain = {**rows(empty(SHAPE), 2), "noise_mask": noise_mask}
    expected = sample(demo[0], positive, negative(demo[1]), plain)
    assert torch.equal(made[0], expected[0]) and not torch.equal(made[1], expected[1])
    assert torch.equal(made[1][..., :8], made[0][..., :8])


@pytest.mark.parametrize("sampler", ["euler", "ddim", "euler_ancestral"])
def test_identical_prompts_under_an_inpainting_mask(sampler, edited, demo):
    """ddim draws noise of its own for what the mask keeps."""
    model, positive, latent = edited(SOURCE, SOURCE)
    noise_mask = torch.zeros(1, 1, 16, 16)
    noise_mask[..., 8:] = 1
    made = sample(model, positive, negative(demo[1]), {**latent, "noise_mask": noise_mask}, sampler=sampler)
    assert torch.equal(made[0], made[1])


@pytest.mark.parametrize("guider", ["BasicGuider", "CFGGuider"])
def test_sampler_custom_advanced(guider, edited, demo):
    import comfy_extras.nodes_custom_sampler as custom

    model, positive, latent = edited()

    def run(chosen, batch):
        if guider == "BasicGuider":
            guide = custom.BasicGuider.execute(chosen, positive)[0]
        else:
            guide = custom.CFGGuider.execute(chosen, positive, negative(demo[1]), 4.0)[0]
        noise = custom.RandomNoise.execute(7)[0]
        sigmas = custom.BasicScheduler.execute(chosen, "karras", 5, 1.0)[0]
        sampler = custom.KSamplerSelect.execute("dpmpp_2m")[0]
        return custom.SamplerCustomAdvanced.execute(noise, guide, sampler, sigmas, batch)[0]["samples"]

    made, plain = run(model, latent), run(demo[0], rows(empty(SHAPE), 2))
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_a_guider_of_three_conditionings(edited, demo):
    from comfy_extras.nodes_custom_sampler import Guider_DualCFG

    model, positive, latent = edited()
    sampler, noise = comfy.samplers.sampler_object("euler"), torch.randn(1, *SHAPE).repeat(2, 1, 1, 1)
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "normal", 4)

    def run(patched):
        guider = Guider_DualCFG(patched)
        guider.set_conds(positive, negative(demo[1], "a circle"), negative(demo[1]))
        guider.set_cfg(4.0, 2.0)
        return guider.sample(noise, latent["samples"], sampler, sigmas, disable_pbar=True, seed=0)

    made, plain = run(model), run(demo[0])
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_several_targets_share_one_source(node, demo):
    """Each target of a batch of three is, to the backend's rounding, the one it is by itself."""
    targets = [TARGET, "a large red circle on a blue background", "a red square on a green background"]

    def run(first, *more):
        lines = "\n".join(more)
        positive, edit = node(
            "P2P_EncodePromptPair", clip=demo[1], source_prompt=SOURCE, target_prompt=first, more_targets=lines
        )
        (edit,) = node("P2P_WordSwap", edit=edit, start_percent=0.0, end_percent=0.8)
        model, latent = node(
            "P2P_AttentionController",
            model=demo[0],
            edit=edit,
            latent=empty(SHAPE),
            self_start_percent=0.0,
            self_end_percent=0.4,
            self_resolution="1/2",
        )
        return sample(model, positive, negative(demo[1]), latent)

    together = run(*targets)
    assert together.shape[0] == 4
    for row, target in enumerate(targets, start=1):
        alone = run(target)
        torch.testing.assert_close(together[0], alone[0], rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(together[row], alone[1], rtol=1e-3, atol=1e-3)
        assert not torch.allclose(together[row], together[0], atol=1e-2)


@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral"])
def test_a_batch_of_pictures_each_with_its_source(sampler, node, demo):
    """Picture n of a batch is, to rounding, the one that its own noise makes alone; local blends are its own too."""
    positive, edit = node("P2P_EncodePromptPair", clip=demo[1], source_prompt=SOURCE, target_prompt=TARGET)
    (edit,) = node("P2P_WordSwap", edit=edit, start_percent=0.0, end_percent=0.8)
    (edit,) = node("P2P_LocalBlend", edit=edit, words="circle", threshold=0.5, start_percent=0.2, map_resolution="1/2")
    windows = {"self_start_percent": 0.0, "self_end_percent": 0.4, "self_resolution": "1/2"}

    def run(latent):
        model, batch = node("P2P_AttentionController", model=demo[0], edit=edit, latent=latent, **windows)
        return sample(model, positive, negative(demo[1]), batch, sampler=sampler)

    samples = torch.zeros(3, *SHAPE)
    together = run({"samples": samples})
    assert together.shape[0] == 6
    plain = sample(demo[0], negative(demo[1], SOURCE), negative(demo[1]), {"samples": samples}, sampler=sampler)
    for number in range(3):
        pair = together[2 * number : 2 * number + 2]
        assert not torch.equal(pair[0], pair[1])
        torch.testing.assert_close(pair[0], plain[number], rtol=1e-3, atol=1e-3)
    if sampler == "euler":
        alone = run({"samples": samples[:1], "batch_index": [1]})
        torch.testing.assert_close(together[2:4], alone, rtol=1e-3, atol=1e-3)


def test_the_given_model_is_not_changed(edited, demo):
    before = {key: repr(value) for key, value in demo[0].model_options.items()}
    wrappers = repr(demo[0].wrappers)
    edited()
    assert {key: repr(value) for key, value in demo[0].model_options.items()} == before
    assert repr(demo[0].wrappers) == wrappers
