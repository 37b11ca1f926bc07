"""Real pictures without an inversion pass: the source stays exact, whatever the sampler."""

import nodes
import pytest
import torch

from lab.discs.render import render
from lab.discs.scenes import Scene, Thing

from .graph import blend, control, empty, encode, noting, prompt, run_in_parts, sample, swap, virtual

SOURCE, TARGET = "a large red circle on a blue background", "a large yellow circle on a blue background"


@pytest.fixture
def latent(demo):
    """A picture that the renderer drew, encoded."""
    drawn = render(Scene((Thing("red", "circle", x=0.4, y=0.55, radius=0.29),), "blue"), 32)
    return nodes.VAEEncode().encode(demo.vae, torch.from_numpy(drawn)[None].float())[0]


@pytest.fixture
def edited(demo, latent):
    """Sample an edit of the picture; returns its rows."""

    def run(target=TARGET, mask=None, model=None, plain=False, fresh=False, at=None, **options):
        positive, edit = encode(demo.clip, SOURCE, target)
        if target != SOURCE:
            edit = swap(edit, end=0.8)
        if mask is not None:
            edit = blend(edit, start=0.0, mask=mask)
        given = virtual(plain_source=plain, fresh_noise=fresh)
        patched, batch = control(
            model or demo.model, edit, at or latent, self_end=0.4, resolution="1/2", inversion=given
        )
        return sample(patched, positive, prompt(demo.clip), batch, **{"steps": 4, "cfg": 4.0, **options})

    return run


def error(made, wanted) -> float:
    return float((made - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("sampler", ["lcm", "euler", "euler_ancestral", "dpmpp_2m", "dpmpp_sde", "heun"])
@pytest.mark.parametrize(("plain", "fresh"), [(False, False), (True, False), (False, True)])
def test_the_source_is_the_picture(sampler, plain, fresh, edited, latent):
    made = edited(sampler=sampler, plain=plain, fresh=fresh, cfg=7.5)
    assert error(made[0], latent["samples"][0]) <= 1e-5
    assert torch.isfinite(made).all() and error(made[1], made[0]) > 1e-2


@pytest.mark.parametrize(("sampler", "fresh"), [("lcm", False), ("euler", False), ("euler", True)])
def test_a_target_of_the_sources_prompt_is_the_picture_at_any_guidance(sampler, fresh, edited, latent):
    made = edited(target=SOURCE, sampler=sampler, fresh=fresh, cfg=7.5)
    assert error(made[1], latent["samples"][0]) <= 1e-4


def test_no_call_besides_the_samplers(edited, demo):
    counted, calls = noting(demo.model, lambda call: call["input"].shape[0])
    edited(model=counted, sampler="lcm", cfg=1.0)
    assert calls == [2] * 4


def test_a_part_of_the_schedule_and_a_mask(edited, latent):
    mask = torch.zeros(1, 32, 32)
    mask[..., :16] = 1
    made = edited(mask=mask, denoise=0.7, sampler="lcm")
    assert error(made[0], latent["samples"][0]) <= 1e-5
    assert error(made[1][..., 16:], latent["samples"][0][..., 16:]) <= 1e-5 and not torch.equal(made[0], made[1])


@pytest.mark.parametrize(("sampler", "fresh"), [("lcm", False), ("euler", True)])
def test_seeds_matter_and_repeat(sampler, fresh, edited):
    first, again, other = (edited(seed=seed, sampler=sampler, fresh=fresh) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first[1], other[1])


def test_the_noise_is_another_one_at_every_call(edited, demo):
    """What is left of the source's row without the picture, at each noise level."""
    for fresh, same in ((False, True), (True, False)):
        noting_model, seen = noting(demo.model, lambda call: (call["input"][-2].clone(), float(call["timestep"][0])))
        edited(model=noting_model, fresh=fresh, cfg=1.0)
        noise = [(at - seen[-1][0]).flatten() for at, _ in seen[:2]]
        assert (float(torch.cosine_similarity(*noise, dim=0)) > 0.9) is same


@pytest.mark.parametrize("sampler", ["euler_cfg_pp", "res_multistep_cfg_pp"])
def test_a_sampler_that_steps_with_the_negative(sampler, edited):
    with pytest.raises(ValueError, match=f"P2P Virtual Inversion: the sampler {sampler} steps with the negative"):
        edited(sampler=sampler)


def test_a_part_of_a_split_schedule(demo, latent):
    positive, edit = encode(demo.clip, SOURCE, TARGET)
    patched, batch = control(demo.model, swap(edit), latent, inversion=virtual())
    with pytest.raises(ValueError, match="P2P Virtual Inversion: the sampler adds no noise"):
        run_in_parts(patched, positive, prompt(demo.clip), batch)


def test_an_empty_latent(edited):
    with pytest.raises(ValueError, match="P2P Virtual Inversion: the latent is empty. Encode a picture"):
        edited(at=empty((3, 32, 32)))
