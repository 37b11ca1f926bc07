"""Virtual inversion of a rectified flow is FlowEdit (Kulikov et al. 2025, algorithm 1), with n_avg 1 and n_min 0."""

import itertools

import comfy.sample
import comfy.samplers
import pytest
import torch

from lab.random_transformers import JOINT, joint

from .graph import control, encode, prompt, sample, virtual

SOURCE, TARGET = "a cat on a mat", "a hippopotamus on a mat"
STEPS, SCHEDULER, SEED = 6, "simple", 7


@pytest.fixture(scope="module", params=["flux", "sd3"])
def family(request):
    """(model, clip, latent of a picture) of a family."""
    shape = JOINT[request.param].latent
    return *joint(request.param), {"samples": torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))}


def velocity(model, positive, negative, cfg, x, sigma):
    """The host's own (x − D)/σ of one prompt, with guidance; all in the model's space."""
    seen = []

    def once(guided, latent, sigmas, extra_args, **_):
        seen.append((x - guided(x, sigmas[:1].expand(len(x)), **extra_args)) / sigma)
        return latent

    nothing, sigmas = torch.zeros_like(x), torch.tensor([sigma, 0.0])
    comfy.sample.sample_custom(model, nothing, cfg, comfy.samplers.KSAMPLER(once), sigmas, positive, negative, nothing)
    return seen[0]


def flow_edit(model, clip, latent, sigmas, cfg, noises):
    """The paper's loop, from the picture at the first of the noise levels, with a noise for every step."""
    negative, prompts = prompt(clip), (prompt(clip, SOURCE), prompt(clip, TARGET))
    picture = model.model.process_latent_in(latent["samples"])
    edited = picture.clone()
    for (high, low), noise in zip(itertools.pairwise(sigmas), noises, strict=False):
        source = (1 - high) * picture + high * noise
        both = (source, edited + source - picture)
        slopes = [velocity(model, one, negative, cfg, x, high) for one, x in zip(prompts, both, strict=True)]
        edited = edited + (low - high) * (slopes[1] - slopes[0])
    return model.model.process_latent_out(edited)


def noises(picture, fresh):
    """The noise of every step: the sampler's, then the same again or that of a generator of the next seed."""
    noise, drawn = comfy.sample.prepare_noise(picture, SEED), torch.Generator().manual_seed(SEED + 1)
    yield noise
    while True:
        yield torch.randn(picture.shape, generator=drawn) if fresh else noise


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(("denoise", "cfg"), [(1.0, 1.0), (1.0, 4.0), (0.6, 4.0)])
def test_it_is_flow_edit(family, denoise, cfg, fresh):
    """Under euler; with a denoise of less than 1 the first steps are skipped, as with n_max."""
    model, clip, latent = family
    positive, edit = encode(clip, SOURCE, TARGET)
    patched, batch = control(model, edit, latent, self_end=0.0, inversion=virtual(fresh_noise=fresh))
    options = {"steps": STEPS, "cfg": cfg, "sampler": "euler", "scheduler": SCHEDULER}
    made = sample(patched, positive, prompt(clip), batch, seed=SEED, denoise=denoise, **options)
    sigmas = comfy.samplers.KSampler(model, STEPS, "cpu", "euler", SCHEDULER, denoise).sigmas.tolist()
    wanted = flow_edit(model, clip, latent, sigmas, cfg, noises(latent["samples"], fresh))
    change = float((wanted - latent["samples"]).norm())
    assert change > 1e-3 * float(latent["samples"].norm())
    assert float((made[1] - wanted[0]).norm()) <= 1e-4 * change
    assert float((made[0] - latent["samples"][0]).norm()) <= 1e-5 * float(latent["samples"].norm())
