"""The hot path on fake CUDA tensors: what a GPU would trip over, found on a machine that has none.

torch's FakeTensorMode knows shapes and devices only; it refuses operands on two devices, as CUDA does, and whatever
waits for a value of the device. A sampler of our own calls the model three times that way, with the host's own model,
guider and wrappers around it, so all that the pack does in a call of the model runs.
"""

import comfy.model_management
import comfy.sample
import comfy.samplers
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from lab.random_models import sd15
from lab.random_transformers import CROSS, JOINT, cross, joint

from .graph import SIZES, blend, control, empty, encode, invert, prompt, refine, reweight, swap, watch

SOURCE, SWAPPED, ADDED = "a cat on a mat", "a hippopotamus on a mat", "a big cat on a red mat"
PLANS = {
    "swap": (SWAPPED, swap),
    "refine and reweight": (ADDED, lambda edit: reweight(refine(edit), "red", 2.0)),
    "word windows": (SWAPPED, lambda edit: swap(edit, word_windows="mat: 0.0 - 0.3")),
    "blend by words": (SWAPPED, lambda edit: blend(swap(edit), "cat, hippopotamus", start=0.0)),
    "blend by the difference": (SWAPPED, lambda edit: blend(swap(edit), mask_from="difference", start=0.0)),
    "watch": (SWAPPED, lambda edit: watch(swap(edit), "cat, hippopotamus")),
    "inversion": (SWAPPED, swap),
}
MODELS = ("sd15", "flux", "chroma", "qwen", "zimage", "sd3", "cosmos", "wan")
CALLS = 3


class Reached(BaseException):
    """All calls of the model were made."""


def on_fake_cuda(mode, tensor):
    return mode.from_tensor(tensor).to("cuda")


def fake_sampler(mode, level, made):
    """A sampler that calls the model on fake CUDA tensors and leaves no trace of them in it."""

    def sampler(model, x, sigmas, extra_args, callback, **_):
        guider = model.inner_model
        base = guider.inner_model
        network = base.diffusion_model
        modules = [module for module in base.modules()]
        before = [(module, dict(module._parameters), dict(module._buffers)) for module in modules]
        timestep, levels = base.model_sampling.timestep, sigmas[:CALLS].tolist()
        try:
            with mode:
                for module in network.modules():
                    for held in (module._parameters, module._buffers):
                        for name, tensor in held.items():
                            if tensor is not None:
                                fake = on_fake_cuda(mode, tensor.detach())
                                held[name] = torch.nn.Parameter(fake, False) if held is module._parameters else fake
                for entry in guider.conds["positive"]:
                    for cond in entry["model_conds"].values():
                        if torch.is_tensor(getattr(cond, "cond", None)):
                            cond.cond = on_fake_cuda(mode, cond.cond)
                latent = on_fake_cuda(mode, x)
                base.model_sampling.timestep = lambda sigma: torch.zeros(len(x), device="cuda")
                for sigma in levels:
                    level.append(sigma)  # the one value that a call of the model may wait for
                    latent = latent + 0.1 * model(latent, torch.tensor([sigma]), **extra_args)
                made.append(latent.device.type)
        finally:
            base.model_sampling.timestep = timestep
            for module, parameters, buffers in before:
                module._parameters.update(parameters)
                module._buffers.update(buffers)
        raise Reached

    return comfy.samplers.KSAMPLER(sampler)


@pytest.fixture(scope="module", params=MODELS)
def family(request):
    """(MODEL, CLIP, latent) of its own, for what fails here would be left in it."""
    name = request.param
    if name == "sd15":
        return *sd15(), empty(SIZES["sd15"])
    return *(cross if name in CROSS else joint)(name), empty((CROSS | JOINT)[name].latent)


@pytest.mark.parametrize("plan", PLANS)
def test_every_way_of_attending(family, plan, part, monkeypatch):
    free = 2**40  # there is no driver to ask
    monkeypatch.setattr(
        comfy.model_management, "get_free_memory", lambda device=None, both=False: (free, free) if both else free
    )
    monkeypatch.setattr(FakeTensorMode, "avoid_device_init", True)  # else it brings values that it knows to the device
    level: list[float] = []
    monkeypatch.setattr(part("p2p_attention.host.sampling"), "float", lambda _: level[-1], raising=False)
    model, clip, latent = family
    target, edited = PLANS[plan]
    positive, edit = encode(clip, SOURCE, target)
    inversion = None
    if plan == "inversion":
        latent = {"samples": torch.ones_like(latent["samples"])}
        inversion = invert(model, positive, latent, CALLS + 1, "simple").inversion
    controlled = control(model, edited(edit), latent, self_end=0.8, inversion=inversion)
    guider = comfy.samplers.CFGGuider(controlled.model)
    guider.set_conds(positive, prompt(clip))
    guider.set_cfg(1.0)
    samples = comfy.sample.fix_empty_latent_channels(controlled.model, controlled.latent["samples"])
    noise = torch.randn(samples[:1].shape, generator=torch.Generator().manual_seed(0)).expand_as(samples)
    sampling = controlled.model.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "simple", CALLS + 1)
    made, mode = [], FakeTensorMode(allow_non_fake_inputs=True)
    with pytest.raises(Reached), torch.no_grad():
        guider.sample(noise, samples, fake_sampler(mode, level, made), sigmas, seed=0)
    assert made == ["cuda"]
