"""Every way the host has of running a sampler: the edit holds there, and the source row stays the plain run's."""

import contextlib

import comfy.samplers
import comfy_extras.nodes_custom_sampler as custom
import nodes
import pytest
import torch

from .graph import blend, control, empty, encode, ksampler, noting, prompt, rows, run_in_parts, sample, swap, watch

SOURCE, TARGET = "a red circle on a blue background", "a yellow circle on a blue background"
SHAPE = (3, 16, 16)
LEFT = torch.cat([torch.ones(1, 16, 8), torch.zeros(1, 16, 8)], dim=-1)
RIGHT = 1 - LEFT[None]


@pytest.fixture
def edited(demo):
    """(patched model, positive, latent) of a word swap with self-attention."""

    def build(source=SOURCE, target=TARGET, windows=(0.0, 0.8, 0.0, 0.4)):
        positive, edit = encode(demo.clip, source, target)
        if source != target:
            edit = swap(edit, *windows[:2])
        model, latent = control(demo.model, edit, empty(SHAPE), *windows[2:], resolution="1/2")
        return model, positive, latent

    return build


@contextlib.contextmanager
def little_memory(model):
    """Within it, the host runs the rows of every prompt in a call of their own."""
    usual = model.model.memory_usage_factor
    model.model.memory_usage_factor = 1e12
    try:
        yield
    finally:
        model.model.memory_usage_factor = usual


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_sde", "dpmpp_2m_sde_gpu", "lcm", "ddpm"])
def test_a_sampler_that_draws_noise_draws_it_as_for_the_source_alone(sampler, edited, demo):
    model, positive, latent = edited()
    made = sample(model, positive, prompt(demo.clip), latent, sampler=sampler)
    plain = sample(demo.model, prompt(demo.clip, SOURCE), prompt(demo.clip), empty(SHAPE), sampler=sampler)
    assert (made[0] - plain[0]).norm() <= 1e-4 * plain.norm()
    assert not torch.equal(made[0], made[1])


def test_guidance_of_one_has_no_unconditional_rows(edited, demo):
    model, positive, latent = edited()
    made = sample(model, positive, prompt(demo.clip), latent, cfg=1.0)
    plain = sample(demo.model, positive, prompt(demo.clip), rows(empty(SHAPE), 2), cfg=1.0)
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_separate_calls_for_little_memory(edited, demo):
    model, positive, latent = edited()
    together = sample(model, positive, prompt(demo.clip), latent)
    watched, calls = noting(model, lambda call: len(call["cond_or_uncond"]))
    with little_memory(demo.model):
        apart = sample(watched, positive, prompt(demo.clip), latent)
    assert set(calls) == {1}
    torch.testing.assert_close(apart, together, rtol=1e-4, atol=1e-4)


def test_a_longer_negative_prompt_repeats_the_pairs_tokens(edited, demo):
    """The host pads the shorter prompts by repeating them; the edit must not care."""
    long = prompt(demo.clip, "blurry " * 90)
    model, positive, latent = edited(target="a large red circle on a blue background")
    made = sample(model, positive, long, latent)
    with little_memory(demo.model):
        expected = sample(model, positive, long, latent)
    torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-4)


def test_a_run_split_in_two_is_the_whole_run(edited, demo):
    model, positive, latent = edited()
    whole = sample(model, positive, prompt(demo.clip), latent, steps=8)
    parts = run_in_parts(model, positive, prompt(demo.clip), latent, split=6)
    torch.testing.assert_close(parts["samples"], whole, rtol=1e-5, atol=1e-5)


def test_a_window_that_opens_within_the_last_step_before_the_split(edited, demo):
    model, positive, latent = edited(windows=(0.51, 1.0, 0.0, 0.0))
    whole = sample(model, positive, prompt(demo.clip), latent, steps=8)
    parts = run_in_parts(model, positive, prompt(demo.clip), latent)
    torch.testing.assert_close(parts["samples"], whole, rtol=1e-5, atol=1e-5)


def test_denoise_from_a_picture(edited, demo):
    _, positive, _ = edited()
    picture = torch.rand(1, 16, 16, 3, generator=torch.Generator().manual_seed(0))
    (encoded,) = nodes.VAEEncode().encode(demo.vae, picture)
    edit = swap(encode(demo.clip, SOURCE, TARGET).edit, end=0.8)
    model, latent = control(demo.model, edit, encoded, self_end=0.0)
    made = sample(model, positive, prompt(demo.clip), latent, denoise=0.7)
    plain = sample(demo.model, positive, prompt(demo.clip), rows(encoded, 2), denoise=0.7)
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_conditioning_nodes_keep_the_pair(edited, demo):
    model, positive, latent = edited()
    (windowed,) = nodes.ConditioningSetTimestepRange().set_range(positive, 0.0, 1.0)
    whole = sample(model, positive, prompt(demo.clip), latent)
    assert torch.equal(sample(model, windowed, prompt(demo.clip), latent), whole)


def test_two_pairs_of_rows_in_one_combined_positive(edited, demo):
    model, positive, latent = edited()
    (both,) = nodes.ConditioningCombine().combine(positive, positive)
    once = sample(model, positive, prompt(demo.clip), latent)
    torch.testing.assert_close(sample(model, both, prompt(demo.clip), latent), once, rtol=1e-3, atol=1e-3)


def test_a_pair_in_one_area_beside_another_prompt(edited, demo):
    """The host gives the negative a copy of the area's entry; its rows must stay unedited."""
    model, positive, latent = edited()
    (area,) = nodes.ConditioningSetArea().append(positive, 16, 16, 0, 0, 1.0)
    whole = prompt(demo.clip, "a green background")
    (both,) = nodes.ConditioningCombine().combine(whole, [[area[0][0], {**area[0][1], "area": (16, 8, 0, 0)}]])
    made = sample(model, both, prompt(demo.clip), latent)
    plain = sample(demo.model, both, prompt(demo.clip), rows(empty(SHAPE), 2))
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_a_negative_with_an_area_gives_the_positive_a_copy_that_is_edited_too(edited, demo):
    model, positive, latent = edited()
    low = prompt(demo.clip, "a green background")
    low = [[low[0][0], {**low[0][1], "area": (16, 16, 0, 0)}]]
    made = sample(model, positive, low, latent)
    once = sample(model, positive, prompt(demo.clip, "a green background"), latent)
    torch.testing.assert_close(made, once, rtol=1e-3, atol=1e-3)


def test_a_pair_under_a_mask_beside_another_prompt(edited, demo):
    model, positive, latent = edited()
    (masked,) = nodes.ConditioningSetMask().append(positive, LEFT, "default", 1.0)
    (both,) = nodes.ConditioningCombine().combine(prompt(demo.clip, "a green background"), masked)
    made = sample(model, both, prompt(demo.clip), latent)
    plain = sample(demo.model, both, prompt(demo.clip), rows(empty(SHAPE), 2))
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def from_percent(percent, positive, before):
    """A conditioning that is another one before a share of the run."""
    (late,) = nodes.ConditioningSetTimestepRange().set_range(positive, percent, 1.0)
    (early,) = nodes.ConditioningSetTimestepRange().set_range(before, 0.0, percent)
    return nodes.ConditioningCombine().combine(early, late)[0]


def test_a_pair_that_begins_late(edited, demo):
    """Another prompt makes the first part of the run, the pair the rest."""
    model, positive, latent = edited()
    both = from_percent(0.3, positive, prompt(demo.clip, "a green background"))
    made = sample(model, both, prompt(demo.clip), latent, steps=6)
    plain = sample(demo.model, both, prompt(demo.clip), rows(empty(SHAPE), 2), steps=6)
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_a_pair_that_begins_late_and_alone(edited, demo):
    """Without guidance the model is not called at all before."""
    model, positive, latent = edited()
    (late,) = nodes.ConditioningSetTimestepRange().set_range(positive, 0.3, 1.0)
    made = sample(model, late, prompt(demo.clip), latent, steps=6, cfg=1.0)
    plain = sample(demo.model, late, prompt(demo.clip), rows(empty(SHAPE), 2), steps=6, cfg=1.0)
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_a_pair_that_begins_after_the_first_part_of_a_split_run(demo):
    positive, edit = encode(demo.clip, SOURCE, TARGET)
    edit = swap(edit, end=0.9)
    edit = watch(edit, "circle", resolution="1/2")
    model, latent = control(demo.model, edit, empty(SHAPE), self_end=0.4, resolution="1/2")
    both = from_percent(0.55, positive, prompt(demo.clip, "a green background"))
    whole = sample(model, both, prompt(demo.clip), latent, steps=8)
    parts = run_in_parts(model, both, prompt(demo.clip), latent)
    torch.testing.assert_close(parts["samples"], whole, rtol=1e-5, atol=1e-5)


def test_the_pair_without_its_words_as_the_negative(edited, demo):
    model, positive, latent = edited()
    (zeroed,) = nodes.ConditioningZeroOut().zero_out(positive)
    (alone,) = nodes.ConditioningZeroOut().zero_out(prompt(demo.clip))
    made = sample(model, positive, zeroed, latent)
    assert torch.equal(made, sample(model, positive, alone, latent)) and not torch.equal(made[0], made[1])


def test_an_empty_latent_made_for_another_vae(edited, demo):
    """The host makes it eight times as large for the demo model, so it is not too small."""
    (latent,) = nodes.EmptyLatentImage().generate(16, 16)
    positive, edit = encode(demo.clip, SOURCE, TARGET)
    edit = swap(edit, end=0.8)
    model, batch = control(demo.model, edit, latent, self_end=0.4, resolution="1/2")
    made = ksampler(model, positive, prompt(demo.clip), batch)
    assert made["samples"].shape == (2, 3, 16, 16)


def test_an_inpainting_mask(edited, demo):
    model, positive, latent = edited()
    made = sample(model, positive, prompt(demo.clip), {**latent, "noise_mask": RIGHT})
    plain = {**rows(empty(SHAPE), 2), "noise_mask": RIGHT}
    expected = sample(demo.model, positive, prompt(demo.clip), plain)
    assert torch.equal(made[0], expected[0]) and not torch.equal(made[1], expected[1])
    assert torch.equal(made[1][..., :8], made[0][..., :8])


@pytest.mark.parametrize("sampler", ["euler", "ddim", "euler_ancestral"])
def test_identical_prompts_under_an_inpainting_mask(sampler, edited, demo):
    """ddim draws noise of its own for what the mask keeps."""
    model, positive, latent = edited(SOURCE, SOURCE)
    made = sample(model, positive, prompt(demo.clip), {**latent, "noise_mask": RIGHT}, sampler=sampler)
    assert torch.equal(made[0], made[1])


@pytest.mark.parametrize("guider", ["BasicGuider", "CFGGuider"])
def test_sampler_custom_advanced(guider, edited, demo):
    model, positive, latent = edited()

    def run(chosen, batch):
        if guider == "BasicGuider":
            guide = custom.BasicGuider.execute(chosen, positive)[0]
        else:
            guide = custom.CFGGuider.execute(chosen, positive, prompt(demo.clip), 4.0)[0]
        noise = custom.RandomNoise.execute(7)[0]
        sigmas = custom.BasicScheduler.execute(chosen, "karras", 5, 1.0)[0]
        sampler = custom.KSamplerSelect.execute("dpmpp_2m")[0]
        return custom.SamplerCustomAdvanced.execute(noise, guide, sampler, sigmas, batch)[0]["samples"]

    made, plain = run(model, latent), run(demo.model, rows(empty(SHAPE), 2))
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_a_guider_of_three_conditionings(edited, demo):
    model, positive, latent = edited()
    sampler, noise = comfy.samplers.sampler_object("euler"), torch.randn(1, *SHAPE).repeat(2, 1, 1, 1)
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "normal", 4)

    def run(patched):
        guider = custom.Guider_DualCFG(patched)
        guider.set_conds(positive, prompt(demo.clip, "a circle"), prompt(demo.clip))
        guider.set_cfg(4.0, 2.0)
        return guider.sample(noise, latent["samples"], sampler, sigmas, disable_pbar=True, seed=0)

    made, plain = run(model), run(demo.model)
    assert torch.equal(made[0], plain[0]) and not torch.equal(made[1], plain[1])


def test_several_targets_share_one_source(demo):
    """Each target of a batch of three is, to the backend's rounding, the one it is by itself."""
    targets = [TARGET, "a large red circle on a blue background", "a red square on a green background"]

    def run(first, *more):
        positive, edit = encode(demo.clip, SOURCE, first, more="\n".join(more))
        edit = swap(edit, end=0.8)
        model, latent = control(demo.model, edit, empty(SHAPE), self_end=0.4, resolution="1/2")
        return sample(model, positive, prompt(demo.clip), latent)

    together = run(*targets)
    assert together.shape[0] == 4
    for row, target in enumerate(targets, start=1):
        alone = run(target)
        torch.testing.assert_close(together[0], alone[0], rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(together[row], alone[1], rtol=1e-3, atol=1e-3)
        assert not torch.allclose(together[row], together[0], atol=1e-2)


@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral"])
def test_a_batch_of_pictures_each_with_its_source(sampler, demo):
    """Picture n of a batch is, to rounding, the one that its own noise makes alone; local blends are its own too."""
    positive, edit = encode(demo.clip, SOURCE, TARGET)
    edit = swap(edit, end=0.8)
    edit = blend(edit, "circle", threshold=0.5, start=0.2, resolution="1/2")

    def run(latent):
        model, batch = control(demo.model, edit, latent, self_end=0.4, resolution="1/2")
        return sample(model, positive, prompt(demo.clip), batch, sampler=sampler)

    samples = torch.zeros(3, *SHAPE)
    together = run({"samples": samples})
    assert together.shape[0] == 6
    plain = sample(demo.model, prompt(demo.clip, SOURCE), prompt(demo.clip), {"samples": samples}, sampler=sampler)
    for number in range(3):
        pair = together[2 * number : 2 * number + 2]
        assert not torch.equal(pair[0], pair[1])
        torch.testing.assert_close(pair[0], plain[number], rtol=1e-3, atol=1e-3)
    if sampler == "euler":
        alone = run({"samples": samples[:1], "batch_index": [1]})
        torch.testing.assert_close(together[2:4], alone, rtol=1e-3, atol=1e-3)


def test_the_given_model_is_not_changed(edited, demo):
    before = {key: repr(value) for key, value in demo.model.model_options.items()}
    wrappers = repr(demo.model.wrappers)
    edited()
    assert {key: repr(value) for key, value in demo.model.model_options.items()} == before
    assert repr(demo.model.wrappers) == wrappers
