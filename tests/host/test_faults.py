"""Whatever breaks a run, the next ones are right: a plain run and an edit, bit for bit as before."""

import comfy.model_management
import comfy.patcher_extension
import pytest
import torch

from .graph import blend, control, empty, encode, invert, prompt, reweight, rows, sample, swap, watch

SOURCE, TARGET = "a red circle on a blue background", "a very large yellow circle on a blue background"
SHAPE, STEPS = (3, 16, 16), 3
FAULTS = {
    "cancelled": comfy.model_management.InterruptProcessingException,
    "out of memory": torch.OutOfMemoryError,
    "another pack's exception": ZeroDivisionError,
}


class Fault:
    """Counts how often it is passed, and raises at one of the times."""

    def __init__(self, error: type[BaseException], at: int) -> None:
        self.error, self.at, self.passed = error, at, 0

    def __call__(self) -> None:
        self.passed += 1
        if self.passed - 1 == self.at:
            raise self.error("injected")


class Graph:
    """An edit with all that a run can hold: swapped and added words, a reweight, a blend, watched words."""

    def __init__(self, demo) -> None:
        self.model, self.clip = demo.model, demo.clip
        self.positive, edit = encode(self.clip, SOURCE, TARGET)
        edit = swap(edit, end=0.8)
        edit = reweight(edit, "yellow", 2.0, renormalise=True)
        edit = blend(edit, "", threshold=0.3, start=0.0, resolution="1/2")
        edit = watch(edit, "yellow", resolution="1/2")
        self.edited, self.latent = control(self.model, edit, empty(SHAPE), self_end=0.4, resolution="1/2")

    def edit(self, model=None) -> torch.Tensor:
        return sample(model or self.edited, self.positive, prompt(self.clip), self.latent, steps=STEPS)

    def plain(self) -> torch.Tensor:
        return sample(self.model, self.positive, prompt(self.clip), rows(empty(SHAPE), 2), steps=STEPS)


@pytest.fixture(scope="module")
def graph(demo):
    return Graph(demo)


@pytest.fixture(scope="module")
def right(graph):
    """(plain run, edit) before any fault."""
    return graph.plain(), graph.edit()


def patched(graph, place: str, fault: Fault):
    """The edited model with another pack's hook in which the fault is."""
    model = graph.edited.clone()
    if place == "self-attention":
        model.set_model_attn1_patch(lambda n, context, value, extra: (fault(), (n, context, value))[1])
    elif place == "cross-attention":
        model.set_model_attn2_patch(lambda n, context, value, extra: (fault(), (n, context, value))[1])
    elif place == "after cross-attention":
        model.set_model_attn2_output_patch(lambda n, extra: (fault(), n)[1])
    else:
        wrapper = comfy.patcher_extension.WrappersMP.DIFFUSION_MODEL
        model.add_wrapper_with_key(
            wrapper, "fault", lambda executor, *args, **kwargs: (fault(), executor(*args, **kwargs))[1]
        )
    return model


def assert_unharmed(graph, right):
    assert torch.equal(graph.plain(), right[0])
    assert torch.equal(graph.edit(), right[1])


@pytest.mark.parametrize("name", FAULTS)
def test_at_every_call_of_the_model(name, graph, right):
    for call in range(STEPS):
        with pytest.raises(FAULTS[name]):
            graph.edit(patched(graph, "model", Fault(FAULTS[name], call)))
        assert_unharmed(graph, right)


@pytest.mark.parametrize("place", ["self-attention", "cross-attention", "after cross-attention"])
@pytest.mark.parametrize("name", ["out of memory", "another pack's exception"])
def test_in_every_layer(name, place, graph, right):
    count = Fault(FAULTS[name], -1)
    assert torch.equal(graph.edit(patched(graph, place, count)), right[1])
    layers = count.passed // STEPS
    assert layers > 3
    for layer in range(layers):
        with pytest.raises(FAULTS[name]):
            graph.edit(patched(graph, place, Fault(FAULTS[name], layers + layer)))
    assert_unharmed(graph, right)


@pytest.mark.parametrize("name", FAULTS)
def test_inside_an_inversion(name, graph, right, demo):
    latent = {"samples": torch.linspace(-1, 1, 3 * 16 * 16).view(1, *SHAPE)}
    expected = invert(demo.model, graph.positive, latent, STEPS, "normal")[0]
    for call in range(STEPS):
        fault, model = Fault(FAULTS[name], call), demo.model.clone()
        model.set_model_attn2_patch(lambda n, c, v, extra, fault=fault: (fault(), (n, c, v))[1])
        with pytest.raises(FAULTS[name]):
            invert(model, graph.positive, latent, STEPS, "normal")
        assert_unharmed(graph, right)
    again = invert(demo.model, graph.positive, latent, STEPS, "normal")[0]
    assert torch.equal(again.trajectory.start, expected.trajectory.start)


def test_the_host_unloads_the_model_between_runs(graph, right):
    comfy.model_management.unload_all_models()
    assert_unharmed(graph, right)
    comfy.model_management.unload_all_models()
    comfy.model_management.soft_empty_cache()
    assert_unharmed(graph, right)
