"""An edit beside what takes part in another way than by a node on the model, on each of the three kinds of models."""

import comfy.hooks
import comfy.samplers
import comfy_extras.nodes_custom_sampler as custom
import pytest
import torch
from comfy_api.torch_helpers.torch_compile import set_torch_compile_wrapper
from comfy_extras.nodes_differential_diffusion import DifferentialDiffusion
from comfy_extras.nodes_perpneg import Guider_PerpNeg

from .family import family_of, lora_weights
from .graph import control, encode, prompt, refine, reweight, rows, sample
from .test_companions_table import SOURCE, STEPS, TARGET, Runs

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module", params=["sd15", "flux", "wan"])
def runs(request):
    return Runs(family_of(request.param))


GUIDERS = {
    "Basic Guider": lambda model, positive, negative, _: custom.BasicGuider.execute(model, positive),
    "CFG Guider": lambda model, positive, negative, _: custom.CFGGuider.execute(model, positive, negative, 4.0),
    "Dual CFG Guider": lambda model, positive, negative, _: custom.DualCFGGuider.execute(
        model, positive, negative, negative, 3.0, 2.0, "regular"
    ),
}
if hasattr(custom, "DualModelGuider"):  # from 0.30 on
    GUIDERS["Dual Model CFG Guider"] = lambda model, positive, negative, other: custom.DualModelGuider.execute(
        model, positive, 3.0, other, negative
    )


@pytest.mark.parametrize("name", GUIDERS)
def test_a_guider(name, runs):
    """The source is that of the guider's run without the pack, and the edit acts."""
    clip, latent = runs.family.clip, runs.family.latent
    positive, plan = encode(clip, SOURCE, TARGET)
    edit = reweight(refine(plan, end=0.8), "hippopotamus", 2.0)
    controlled = control(runs.model, edit, latent, self_end=0.4, resolution="1/2")
    sigmas = custom.BasicScheduler.execute(runs.model, "simple", STEPS, 1.0)[0]
    made = []
    for model, batch in (controlled, (runs.model, rows(latent, 2))):
        guider = GUIDERS[name](model, positive, runs.negative, runs.model)[0]
        noise, sampler = custom.RandomNoise.execute(7)[0], custom.KSamplerSelect.execute("euler")[0]
        made.append(custom.SamplerCustomAdvanced.execute(noise, guider, sampler, sigmas, batch)[0]["samples"])
    assert torch.equal(made[0][0], made[1][0])
    assert (made[0][1] - made[1][1]).norm() > 1e-4 * made[1][1].norm()


def test_perp_negs_guider_is_refused(runs):
    positive, plan = encode(runs.family.clip, SOURCE, TARGET)
    model, latent = control(runs.model, refine(plan), runs.family.latent)
    guider = Guider_PerpNeg(model)
    guider.set_conds(positive, runs.negative, prompt(runs.family.clip))
    noise, sampler = torch.zeros_like(latent["samples"]), comfy.samplers.sampler_object("euler")
    with pytest.raises(ValueError, match="P2P Attention Controller: Perp-Neg guidance"):
        guider.sample(noise, noise, sampler, torch.tensor([10.0, 1.0]), disable_pbar=True)


def test_an_override_of_attention_is_called_inside_ours(runs):
    """It is called as often as without an edit or oftener, and one that changes nothing changes nothing."""
    seen = []

    def override(function, *args, **kwargs):
        seen.append(1)
        return function(*args, **kwargs)

    other = runs.model.clone()
    other.model_options["transformer_options"]["optimized_attention_override"] = override
    assert torch.equal(runs.unedited(other), runs.plain)
    without = len(seen)
    assert torch.equal(runs.edited(other), runs.edit)
    assert len(seen) - without >= without > 0


def test_torch_compile_is_left_out(runs, caplog):
    compiled = runs.model.clone()
    set_torch_compile_wrapper(compiled, backend="eager")
    assert torch.equal(runs.edited(compiled), runs.edit)
    assert "torch.compile (Torch Compile Model) is left out" in caplog.text


def holds(runs, model, latent, change=lambda conditioning: conditioning):
    """The source is that of the host's run, and the edit acts. Returns the edited run."""
    positive, plan = encode(runs.family.clip, SOURCE, TARGET)
    edit = reweight(refine(plan, end=0.8), "hippopotamus", 2.0)
    controlled = control(model, edit, latent, self_end=0.4, resolution="1/2")
    plain = {**latent, **rows(latent, 2)}
    made, expected = (
        sample(one, change(positive), change(runs.negative), batch, steps=STEPS)
        for one, batch in (controlled, (model, plain))
    )
    assert torch.equal(made[0], expected[0])
    assert (made[1] - expected[1]).norm() > 1e-4 * expected[1].norm()
    return made


def test_differential_diffusion(runs):
    shape = runs.family.latent["samples"].shape
    picture = torch.randn(shape, generator=torch.Generator().manual_seed(4))
    mask = torch.linspace(0, 1, shape[-1] ** 2).reshape(1, 1, *shape[-2:])
    latent = {"samples": picture, "noise_mask": mask}
    made = holds(runs, DifferentialDiffusion.execute(runs.model, 1.0)[0], latent)
    assert not torch.equal(made, holds(runs, runs.model, latent))


def test_a_lora_as_a_hook(runs):
    hooks = comfy.hooks.create_hook_lora(lora_weights(runs.model), 1.0, 0.0)
    made = holds(
        runs, runs.model, runs.family.latent, lambda given: comfy.hooks.set_hooks_for_conditioning(given, hooks)
    )
    assert not torch.equal(made, runs.edit)
