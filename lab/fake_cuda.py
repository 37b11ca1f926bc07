"""A run's hot path on fake CUDA tensors: what a GPU would trip over or hold, found on a machine that has none.

torch's FakeTensorMode knows shapes and devices only; it refuses operands on two devices, as CUDA does, and whatever
waits for a value of the device. A sampler of our own calls the model that way, with the host's own model, guider and
wrappers around it, so all that the pack does in a call of the model runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import comfy.model_management
import comfy.sample
import comfy.samplers
import torch
from torch._subclasses.fake_tensor import FakeTensorMode


class Reached(BaseException):
    """All calls of the model were made."""


class FakeCuda:
    """Runs of the host's guider whose calls of the model are made on fake CUDA tensors; `calls` of them each.

    `sampling` is the pack's module host/sampling.py, as the caller has it: what it reads off the noise level is the one
    value that a call of the model may wait for. `watching` are contexts (torch's dispatch modes) around the calls.
    """

    def __init__(self, sampling: Any, calls: int = 3) -> None:
        self.sampling, self.calls = sampling, calls
        self.watching: list[AbstractContextManager] = []
        self.device: torch.device | None = None
        self.mode = FakeTensorMode(allow_non_fake_inputs=True)
        self._level = 0.0

    def run(self, model: Any, positive: list, negative: list, latent: dict[str, Any], cfg: float) -> None:
        """As many calls of the model as the first steps of a KSampler with `simple`; `device` is the latent's then."""
        guider = comfy.samplers.CFGGuider(model)
        guider.set_conds(positive, negative)
        guider.set_cfg(cfg)
        samples = comfy.sample.fix_empty_latent_channels(model, latent["samples"])
        noise = torch.randn(samples[:1].shape, generator=torch.Generator().manual_seed(0)).expand_as(samples)
        sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", self.calls + 1)
        with self._without_driver(), torch.no_grad():
            try:
                guider.sample(noise, samples, comfy.samplers.KSAMPLER(self._sample), sigmas, seed=0)
            except Reached:
                return
        raise AssertionError("the model was not called")

    @contextmanager
    def _without_driver(self) -> Iterator[None]:
        """There is no driver to ask for memory, and none to choose a device."""
        free = 2**40
        management = comfy.model_management
        with ExitStack() as stack:
            stack.enter_context(
                patch.object(
                    management,
                    "get_free_memory",
                    lambda device=None, torch_free_too=False: (free, free) if torch_free_too else free,
                )
            )
            stack.enter_context(patch.object(management, "set_torch_device", lambda device: None))
            # else it brings values that it knows to the device
            stack.enter_context(patch.object(FakeTensorMode, "avoid_device_init", True))
            stack.enter_context(patch.object(self.sampling, "float", lambda _: self._level, create=True))
            yield

    def _sample(self, model: Any, x: torch.Tensor, sigmas: Any, extra_args: Any, callback: Any, **_: Any) -> None:
        """A sampler that leaves no trace of fake tensors in the model.

        Where the host has a copy of the model, it is the second GPU's and comes first, so that the pair's prompt is
        there; they are called one after the other, for the mode is one thread's.
        """
        guider, options = model.inner_model, extra_args["model_options"]
        patchers = list(options.get("multigpu_clones", {"cpu": guider.model_patcher}).values())
        bases = [patcher.model for patcher in patchers]
        if len(patchers) > 1:
            gpus = [torch.device("cuda", number) for number in range(len(patchers))]
            options["multigpu_clones"] = dict(zip(gpus[::-1], patchers[::-1], strict=True))
            del options["multigpu_thread_pool"]
        modules = [module for base in bases for module in base.modules()]
        before = [(module, dict(module._parameters), dict(module._buffers)) for module in modules]
        timesteps, levels = [base.model_sampling.timestep for base in bases], sigmas[: self.calls].tolist()
        mode = self.mode
        try:
            with mode, ExitStack() as stack:
                for number, base in enumerate(bases):
                    base.model_sampling.timestep = torch.zeros_like
                    _to_fake_cuda(mode, base.diffusion_model, number)
                for entry in (entry for entries in guider.conds.values() for entry in entries):
                    for cond in entry["model_conds"].values():
                        if torch.is_tensor(getattr(cond, "cond", None)):
                            cond.cond = on_fake_cuda(mode, cond.cond)
                latent = on_fake_cuda(mode, x)
                for context in self.watching:
                    stack.enter_context(context)
                for sigma in levels:
                    self._level = sigma
                    latent = latent + 0.1 * model(latent, latent.new_full((len(x),), sigma), **extra_args)
                self.device = latent.device
        finally:
            for base, timestep in zip(bases, timesteps, strict=True):
                base.model_sampling.timestep = timestep
            for module, parameters, buffers in before:
                module._parameters.update(parameters)
                module._buffers.update(buffers)
        raise Reached


def on_fake_cuda(mode: FakeTensorMode, tensor: torch.Tensor, number: int = 0) -> torch.Tensor:
    """A fake of a tensor on a GPU that is not there."""
    return mode.from_tensor(tensor).to(torch.device("cuda", number))


def _to_fake_cuda(mode: FakeTensorMode, whole: torch.nn.Module, number: int) -> None:
    for module in whole.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                module._parameters[name] = torch.nn.Parameter(on_fake_cuda(mode, weight.detach(), number), False)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = on_fake_cuda(mode, buffer, number)
