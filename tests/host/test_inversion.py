"""Real pictures: E8, the order of the plain inversion, and what does not fit."""

import itertools
from functools import partial

import comfy.model_management
import nodes
import numpy as np
import pytest
import torch
from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete

from lab.discs.model import load
from lab.discs.render import render
from lab.discs.scenes import Scene, Thing

from .graph import SIZES, blend, control, empty, encode, invert, noting, prompt, sample, swap

SOURCE, TARGET = "a large red circle on a blue background", "a large yellow circle on a blue background"


@pytest.fixture
def picture(demo):
    """Latents [B, 3, 32, 32] of pictures that the renderer drew."""

    def draw(*places):
        drawn = [
            render(Scene((Thing("red", "circle", x=x, y=y, radius=0.29),), "blue"), 32)
            for x, y in places or [(0.4, 0.55)]
        ]
        return nodes.VAEEncode().encode(demo.vae, torch.from_numpy(np.stack(drawn)).float())[0]

    return draw


@pytest.fixture
def inverted(demo):
    """Invert a latent and sample the edit from it; returns (samples, the node's outputs)."""

    def run(
        latent,
        method=("direct"),
        steps=8,
        scheduler="normal",
        iterations=0,
        solver="explicit",
        mask=None,
        model=None,
        run=None,
        **options,
    ):
        positive, edit = encode(demo.clip, SOURCE, TARGET)
        edit = swap(edit, end=0.8)
        if mask is not None:
            edit = blend(edit, threshold=0.3, start=0.0, mask=mask)
        made = invert(model or demo.model, positive, latent, steps, scheduler, method, iterations, solver=solver)
        patched, batch = control(demo.model, edit, latent, self_end=0.4, resolution="1/2", inversion=made[0])
        against = made[1] if method == "negative_prompt" else prompt(demo.clip)
        usual = {"steps": steps, "scheduler": scheduler}
        return sample(patched, positive, against, batch, **{**usual, **options, **(run or {})}), made

    return run


def error(made, wanted) -> float:
    return float((made - wanted).norm() / wanted.norm())


@pytest.mark.parametrize(
    "sampler", ["euler", "ddim", "dpmpp_2m", "heun", "lms", "deis", "res_multistep", "euler_cfg_pp"]
)
@pytest.mark.parametrize("cfg", [1.0, 4.0, 7.5, 15.0])
def test_e8_direct_keeps_the_picture_at_any_guidance(cfg, sampler, picture, inverted):
    latent = picture()
    made, _ = inverted(latent, cfg=cfg, sampler=sampler, steps=6)
    assert error(made[0], latent["samples"][0]) <= 1e-5
    assert torch.isfinite(made).all() and not torch.equal(made[1], made[0])


@pytest.mark.parametrize("solver", ["explicit", "implicit"])
@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "heun"])
def test_e8_aligned_keeps_the_picture_too(sampler, solver, picture, inverted):
    latent = picture()
    made, (_, _, estimate) = inverted(latent, "aligned", cfg=7.5, sampler=sampler, solver=solver, steps=6)
    assert error(made[0], latent["samples"][0]) <= 1e-5 and estimate == 0
    assert torch.isfinite(made).all() and not torch.equal(made[1], made[0])


@pytest.mark.parametrize("solver", ["explicit", "implicit"])
@pytest.mark.parametrize("sampler", ["euler", "ddim"])
def test_an_aligned_target_of_the_sources_prompt_is_the_picture(sampler, solver, picture, demo):
    """Without guidance and put back nowhere: the model is asked what the inversion asked, and answers the same."""
    latent, errors = picture(), {}
    positive, edit = encode(demo.clip, SOURCE, SOURCE)
    for method in ("direct", "aligned"):
        inversion, *_ = invert(demo.model, positive, latent, 8, method=method, solver=solver)
        patched, batch = control(demo.model, edit, latent, inversion=inversion, self_end=0.0)
        made = sample(patched, positive, prompt(demo.clip), batch, steps=8, cfg=1.0, sampler=sampler)
        errors[method] = error(made[1], latent["samples"][0])
    assert errors["aligned"] <= 1e-3 < errors["direct"], errors


def test_the_implicit_solver_is_more_exact_at_a_call_more(picture, inverted, demo):
    latent = picture()
    counted, calls = noting(demo.model, lambda call: call["input"].shape[0])
    plain, _ = inverted(latent, "ddim", steps=20, cfg=1.0)
    better, (_, _, estimate) = inverted(latent, "ddim", steps=20, cfg=1.0, solver="implicit", model=counted)
    assert calls == [1] * 21
    errors = [error(made[0], latent["samples"][0]) for made in (plain, better)]
    assert errors[1] < 0.8 * errors[0] and 0.2 < estimate / errors[1] < 5, (errors, estimate)


def test_negative_prompt_reconstructs_whatever_the_guidance(picture, inverted):
    latent = picture()
    one, _ = inverted(latent, "negative_prompt", cfg=1.0, steps=20)
    high, _ = inverted(latent, "negative_prompt", cfg=7.5, steps=20)
    assert error(high[0], one[0]) <= 1e-4


def test_the_plain_round_trip_at_guidance_1_is_of_first_order(picture, inverted):
    """Euler's method: twice the steps, half the error."""
    latent = picture()
    errors = [error(inverted(latent, "ddim", steps=n, cfg=1.0)[0][0], latent["samples"][0]) for n in (15, 30, 60)]
    orders = [np.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert errors[-1] < errors[0] and 0.6 < np.mean(orders) < 1.6, (errors, orders)


def test_fixed_point_iterations_make_the_inversion_more_exact(picture, inverted):
    latent = picture()
    plain, (_, _, estimate) = inverted(latent, "ddim", steps=30, cfg=1.0)
    better, (_, _, less) = inverted(latent, "ddim", steps=30, cfg=1.0, iterations=3)
    assert error(better[0], latent["samples"][0]) < 0.5 * error(plain[0], latent["samples"][0])
    assert less < estimate


def test_one_call_of_the_model_a_step(picture, inverted, demo):
    counted, calls = noting(demo.model, lambda call: call["input"].shape[0])
    inverted(picture(), model=counted, steps=7)
    assert calls == [1] * 7


def test_seeds_do_not_matter(picture, inverted):
    latent = picture()
    assert torch.equal(inverted(latent, seed=1)[0], inverted(latent, seed=2)[0])


def test_a_batch_of_pictures(picture, inverted):
    places = [(0.4, 0.55), (0.6, 0.4)]
    both, _ = inverted(picture(*places))
    assert both.shape[0] == 4
    for number, place in enumerate(places):
        alone, _ = inverted(picture(place))
        torch.testing.assert_close(both[2 * number : 2 * number + 2], alone, rtol=1e-3, atol=1e-3)


def test_outside_the_blend_the_result_is_the_picture(picture, inverted):
    latent = picture()
    mask = torch.zeros(1, 32, 32)
    mask[:, :, :16] = 1
    made, _ = inverted(latent, mask=mask, cfg=7.5)
    assert error(made[1][:, :, 16:], latent["samples"][0][:, :, 16:]) <= 1e-5
    assert not torch.equal(made[1], made[0])


@pytest.mark.parametrize("name", ["sd15 wide", "sdxl"])
def test_other_models_and_shapes(name, request):
    model, clip, _ = request.getfixturevalue(name.split()[0])
    latent = {"samples": torch.randn(1, *SIZES[name], generator=torch.Generator().manual_seed(0))}
    positive, edit = encode(clip, "a cat", "a hippopotamus")
    edit = swap(edit, end=0.8)
    inversion, *_ = invert(model, positive, latent, 5, "karras")
    patched, batch = control(model, edit, latent, inversion=inversion, self_end=0.4, resolution="1/2")
    made = sample(patched, positive, prompt(clip), batch, scheduler="karras", cfg=7.5)
    assert error(made[0], latent["samples"][0]) <= 1e-5 and not torch.equal(made[0], made[1])


@pytest.mark.parametrize(
    "run, there",
    [
        ({"run_steps": 9}, "9 steps; the noise of step 2 is"),
        ({"run_scheduler": "karras"}, "8 steps; the noise of step 2 is"),
        ({"denoise": 0.5}, "8 steps; the noise of step 1 is"),
        ({"sampler": "dpm_2"}, "8 steps; the noise of step"),
    ],
)
def test_another_schedule(run, there, picture, inverted):
    run = {key.removeprefix("run_"): value for key, value in run.items()}
    with pytest.raises(ValueError, match=f"over 8 steps of the scheduler normal, this run has {there}"):
        inverted(picture(), run=run)


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_sde", "lcm", "ddpm"])
def test_samplers_that_draw_noise(sampler, picture, inverted):
    with pytest.raises(ValueError, match=f"the sampler {sampler} draws noise at every step"):
        inverted(picture(), sampler=sampler)


def test_what_does_not_fit(picture, inverted, demo, sd15, part):
    latent = picture()
    positive, edit = encode(demo.clip, SOURCE, TARGET)
    with pytest.raises(ValueError, match="P2P DDIM Inversion: the latent has 4 channels, the model works on 3"):
        invert(demo.model, positive, {"samples": torch.ones(1, 4, 16, 16)}, 4, "normal")
    with pytest.raises(ValueError, match="P2P DDIM Inversion: the latent holds values that are not numbers"):
        invert(demo.model, positive, {"samples": torch.full((1, 3, 8, 8), torch.nan)}, 4, "normal")
    with pytest.raises(ValueError, match="P2P DDIM Inversion: the latent is empty"):
        invert(demo.model, positive, empty((3, 32, 32)), 4, "normal")
    tiny = nodes.VAEEncode().encode(demo.vae, torch.ones(1, 1, 1, 3))[0]
    with pytest.raises(ValueError, match="P2P DDIM Inversion: the latent is 1×1, this model needs at least 4×4"):
        invert(demo.model, positive, tiny, 4, "normal")
    controlled, _ = control(demo.model, edit, latent, self_end=0.4)
    with pytest.raises(ValueError, match="P2P DDIM Inversion: this model comes from P2P Attention Controller"):
        invert(controlled, positive, latent, 4, "normal")

    def run(inversion, pair=(positive, edit), at=latent, model=demo.model):
        patched, batch = control(model, pair[1], at, inversion=inversion, self_end=0.4)
        return sample(patched, pair[0], prompt(demo.clip), batch, steps=4)

    inversion, *_ = invert(demo.model, positive, latent, 4, "normal")
    other = encode(demo.clip, "a green heart", TARGET)
    with pytest.raises(ValueError, match="made with another prompt than the edit's source"):
        run(inversion, pair=other)
    with pytest.raises(ValueError, match=r"inversion is of a latent \[1, 3, 32, 32\], .* \[1, 3, 32, 40\]"):
        run(inversion, at=empty((3, 32, 40)))
    with pytest.raises(ValueError, match="the inversion is of another picture than the latent here"):
        run(inversion, at=picture((0.6, 0.4)))
    patched = []
    for value in (1.0, 2.0):
        patched.append(demo.model.clone())
        patched[-1].add_patches({"diffusion_model.out.2.bias": ("diff", (torch.full((3,), value),))}, 1.0)
    with pytest.raises(ValueError, match="made with another model"):
        run(inversion, model=patched[0])
    of_one, *_ = invert(patched[0], positive, latent, 4, "normal")
    with pytest.raises(ValueError, match="made with another model, or with other LoRAs"):
        run(of_one, model=patched[1])
    (other_kind,) = ModelSamplingDiscrete().patch(demo.model, "eps", False)
    with pytest.raises(ValueError, match="made with another model"):
        run(inversion, model=other_kind)
    controlled, batch = control(demo.model, edit, latent, inversion=inversion, self_end=0.4)
    controlled.add_patches({"diffusion_model.out.2.bias": ("diff", (torch.ones(3),))}, 1.0)
    with pytest.raises(ValueError, match="made with another model, or with other LoRAs"):
        sample(controlled, positive, prompt(demo.clip), batch, steps=4)
    with pytest.raises(ValueError, match="an inverted picture cannot take a noise mask"):
        run(inversion, at={**latent, "noise_mask": torch.ones(1, 32, 32)})
    against, *_ = invert(demo.model, positive, latent, 4, "normal", method="negative_prompt")
    with pytest.raises(ValueError, match="needs the source's prompt as the negative one"):
        run(against)


def test_an_image_with_alpha_is_the_image_without(demo):
    positive, _ = encode(demo.clip, SOURCE, TARGET)
    pixels = torch.rand(1, 32, 24, 4, generator=torch.Generator().manual_seed(0))
    made = []
    for picture in (pixels, pixels[..., :3]):
        latent = nodes.VAEEncode().encode(demo.vae, picture)[0]
        made.append(invert(demo.model, positive, latent, 2, "normal")[0])
    assert torch.equal(made[0].trajectory.points, made[1].trajectory.points)


def test_several_targets_and_the_same_model_loaded_again(picture, demo):
    """Only the source of each picture is held to its path; a model loaded twice is the same model."""
    latent = picture((0.4, 0.55), (0.6, 0.4))
    positive, edit = encode(demo.clip, SOURCE, TARGET, more="a large white circle on a blue background")
    edit = swap(edit, end=0.8)
    inversion, *_ = invert(load()[0], positive, latent, 6, "normal")
    patched, batch = control(demo.model, edit, latent, inversion=inversion, self_end=0.4, resolution="1/2")
    made = sample(patched, positive, prompt(demo.clip), batch, steps=6, cfg=7.5).unflatten(0, (2, 3))
    assert error(made[:, 0], latent["samples"]) <= 1e-5
    assert not torch.equal(made[:, 1], made[:, 2]) and not torch.equal(made[:, 0], made[:, 1])


def test_a_model_is_the_same_whatever_is_loaded(demo, part):
    """The host adds patches to the weights that all clones of a model share, for as long as one of them is loaded."""
    backbone = part("p2p_attention.host.backbones.registry").backbone_of(demo.model)
    identity = partial(part("p2p_attention.host.fingerprint").model_identity, backbone=backbone)
    patched = demo.model.clone()
    patched.add_patches({"diffusion_model.out.2.bias": ("diff", (torch.ones(3),))}, 1.0)
    both = [identity(demo.model), identity(patched)]
    assert both[0] != both[1]
    for loaded in (patched, demo.model):
        comfy.model_management.load_models_gpu([loaded])
        assert [identity(demo.model), identity(patched)] == both


def test_cancelled_inside_the_inversion(picture, inverted, demo):
    class Cancelled(BaseException):
        pass

    def cancel(apply, arguments):
        raise Cancelled

    broken = demo.model.clone()
    broken.set_model_unet_function_wrapper(cancel)
    before, _ = inverted(picture())
    with pytest.raises(Cancelled):
        inverted(picture(), model=broken)
    assert torch.equal(inverted(picture())[0], before)
