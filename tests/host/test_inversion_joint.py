"""Real pictures on transformers: a rectified flow's ODE backwards, in every family of joint attention."""

import pytest
import torch

from lab.random_transformers import JOINT, joint

from .graph import control, encode, invert, noting, prompt, sample, swap, virtual

SOURCE, TARGET = "a cat on a mat", "a hippopotamus on a mat"
STEPS = 4
SCHEDULER = "simple"


@pytest.fixture(scope="module", params=JOINT)
def family(request):
    """(model, clip, latent of a picture) of a family."""
    model, clip = joint(request.param)
    shape = JOINT[request.param].latent
    return model, clip, {"samples": torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))}


def edited(family, method="direct", cfg=1.0, sampler="euler", steps=STEPS, target=TARGET, model=None, **more):
    own, clip, latent = family
    positive, edit = encode(clip, SOURCE, target)
    made = invert(model or own, positive, latent, steps, SCHEDULER, method, **more)
    patched, batch = control(own, edit if target == SOURCE else swap(edit), latent, inversion=made[0], self_end=0.4)
    usual = {"steps": steps, "cfg": cfg, "sampler": sampler, "scheduler": SCHEDULER}
    return sample(patched, positive, prompt(clip), batch, **usual)


def error(made, latent):
    picture = latent["samples"][0]
    return float((made.view_as(picture) - picture).norm() / picture.norm())


@pytest.mark.parametrize("method", ["direct", "aligned"])
@pytest.mark.parametrize(("cfg", "sampler"), [(1.0, "euler"), (4.0, "euler"), (4.0, "dpmpp_2m"), (1.0, "heun")])
def test_e8_the_source_is_the_picture(family, method, cfg, sampler):
    made = edited(family, method, cfg, sampler)
    assert error(made[0], family[2]) <= 1e-5
    assert torch.isfinite(made).all() and error(made[1], family[2]) > 1e-3


@pytest.mark.parametrize("solver", ["explicit", "implicit"])
def test_an_aligned_target_of_the_sources_prompt_is_the_picture(family, solver):
    made = edited(family, "aligned", solver=solver, target=SOURCE)
    assert error(made[1], family[2]) <= 1e-3


def test_the_way_back_of_more_steps_is_truer(family):
    """Without putting the source back, at guidance 1."""
    few, many = (error(edited(family, "ddim", steps=steps)[0], family[2]) for steps in (5, 15))
    assert many < 0.6 * few


def test_one_call_of_the_model_a_step(family):
    counted, calls = noting(family[0], lambda call: call["input"].shape[0])
    edited(family, model=counted)
    assert calls == [1] * STEPS


@pytest.mark.parametrize("method", ["direct", "aligned"])
def test_steps_may_share_a_call(family, method):
    counted, calls = noting(family[0], lambda call: call["input"].shape[0])
    made = edited(family, method, 4.0, steps=8, model=counted, steps_per_call=3)
    assert calls == [1] * 3 and error(made[0], family[2]) <= 1e-5 and error(made[1], family[2]) > 1e-3


def test_virtual_inversion_keeps_the_source(family):
    model, clip, latent = family
    positive, edit = encode(clip, SOURCE, TARGET)
    patched, batch = control(model, swap(edit), latent, inversion=virtual())
    made = sample(patched, positive, prompt(clip), batch, steps=STEPS, cfg=4.0, scheduler=SCHEDULER)
    assert error(made[0], latent) <= 1e-5 and error(made[1], latent) > 1e-3
