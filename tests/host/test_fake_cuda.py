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

from .devices import split, with_devices
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


def on_fake_cuda(mode, tensor, number=0):
    return mode.from_tensor(tensor).to(torch.device("cuda", number))


def fake_sampler(mode, level, made):
    """A sampler that calls the model on fake CUDA tensors and leaves no trace of them in it.

    Where the host has a copy of the model, it is the second GPU's and comes first, so that the pair's prompt is there;
    they are called one after the other, for the mode is one thread's.
    """

    def sampler(model, x, sigmas, extra_args, callback, **_):
        guider, options = model.inner_model, extra_args["model_options"]
        patchers = list(options.get("multigpu_clones", {"cpu": guider.model_patcher}).values())
        bases = [patcher.model for patcher in patchers]
        if len(patchers) > 1:
            gpus = [torch.device("cuda", number) for number in range(len(patchers))]
            options["multigpu_clones"] = dict(zip(gpus[::-1], patchers[::-1], strict=True))
            del options["multigpu_thread_pool"]
        modules = [module for base in bases for module in base.modules()]
        before = [(module, dict(module._parameters), dict(module._buffers)) for module in modules]
        timesteps, levels = [base.model_sampling.timestep for base in bases], sigmas[:CALLS].tolist()
        try:
            with mode:
                for number, base in enumerate(bases):
                    base.model_sampling.timestep = torch.zeros_like
                    for module in base.diffusion_model.modules():
                        for held in (module._parameters, module._buffers):
                            for name, tensor in held.items():
                                if tensor is not None:
                                    fake = on_fake_cuda(mode, tensor.detach(), number)
                                    held[name] = torch.nn.Parameter(fake, False) if held is module._parameters else fake
                for entry in (entry for entries in guider.conds.values() for entry in entries):
                    for cond in entry["model_conds"].values():
                        if torch.is_tensor(getattr(cond, "cond", None)):
                            cond.cond = on_fake_cuda(mode, cond.cond)
                latent = on_fake_cuda(mode, x)
                for sigma in levels:
                    level.append(sigma)  # the one value that a call of the model may wait for
                    latent = latent + 0.1 * model(latent, latent.new_full((len(x),), sigma), **extra_args)
                made.append(latent.device)
        finally:
            for base, timestep in zip(bases, timesteps, strict=True):
                base.model_sampling.timestep = timestep
            for module, parameters, buffers in before:
                module._parameters.update(parameters)
                module._buffers.update(buffers)
        raise Reached

    return comfy.samplers.KSAMPLER(sampler)


@pytest.fixture(scope="module", params=MODELS)
def family(request):
    """(MODEL, CLIP, latent) of its own, for what fails here would be left in it; with what makes such a MODEL again."""
    name = request.param
    if name == "sd15":
        return *sd15(), empty(SIZES["sd15"]), lambda: sd15()[0]
    build = cross if name in CROSS else joint
    return *build(name), empty((CROSS | JOINT)[name].latent), lambda: build(name)[0]


@pytest.fixture
def run_on_fakes(part, monkeypatch):
    """run_on_fakes(model, clip, latent, plan, cfg): the device of the latent after all calls of the model."""
    free = 2**40  # there is no driver to ask
    monkeypatch.setattr(
        comfy.model_management,
        "get_free_memory",
        lambda device=None, torch_free_too=False: (free, free) if torch_free_too else free,
    )
    monkeypatch.setattr(comfy.model_management, "set_torch_device", lambda device: None)
    monkeypatch.setattr(FakeTensorMode, "avoid_device_init", True)  # else it brings values that it knows to the device
    level: list[float] = []
    monkeypatch.setattr(part("p2p_attention.host.sampling"), "float", lambda _: level[-1], raising=False)

    def run(model, clip, latent, plan, cfg):
        target, edited = PLANS[plan]
        positive, edit = encode(clip, SOURCE, target)
        inversion = None
        if plan == "inversion":
            latent = {"samples": torch.ones_like(latent["samples"])}
            inversion = invert(model, positive, latent, CALLS + 1, "simple").inversion
        controlled = control(model, edited(edit), latent, self_end=0.8, inversion=inversion)
        guider = comfy.samplers.CFGGuider(controlled.model)
        guider.set_conds(positive, prompt(clip))
        guider.set_cfg(cfg)
        samples = comfy.sample.fix_empty_latent_channels(controlled.model, controlled.latent["samples"])
        noise = torch.randn(samples[:1].shape, generator=torch.Generator().manual_seed(0)).expand_as(samples)
        sampling = controlled.model.get_model_object("model_sampling")
        sigmas = comfy.samplers.calculate_sigmas(sampling, "simple", CALLS + 1)
        made, mode = [], FakeTensorMode(allow_non_fake_inputs=True)
        with pytest.raises(Reached), torch.no_grad():
            guider.sample(noise, samples, fake_sampler(mode, level, made), sigmas, seed=0)
        return made[0]

    return run


@pytest.mark.parametrize("plan", PLANS)
def test_every_way_of_attending(family, plan, run_on_fakes):
    assert run_on_fakes(*family[:3], plan, cfg=1.0) == torch.device("cuda", 0)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("family", ["sd15", "flux", "zimage", "cosmos"], indirect=True)
def test_two_gpus(family, plan, run_on_fakes, monkeypatch):
    """The host's MultiGPU CFG Split: the pair's prompt on one GPU, the other prompt and all else on the other."""
    model, clip, latent, again = family
    with_devices(monkeypatch, 2)
    assert run_on_fakes(split(model, again), clip, latent, plan, cfg=4.0) == torch.device("cuda", 0)
