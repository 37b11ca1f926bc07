"""Whatever breaks a transformer's run, inside its attention, while its source is recorded or left out, on the way up
from a picture or without an inversion: nothing of it is kept, and the next runs are right, bit for bit as before.
"""

from __future__ import annotations

import comfy.model_management
import pytest
import torch

from .family import STEPS, family_of
from .graph import Latent, blend, control, encode, invert, noting, prompt, reweight, rows, sample, swap, virtual
from .test_faults import FAULTS, Fault

SOURCE, TARGET = "a cat on a mat", "a hippopotamus on a mat"
OVERRIDE = "optimized_attention_override"
KINDS = ("edit", "recording", "source left out", "inversion", "virtual inversion")
PLACES = 6

pytestmark = pytest.mark.usefixtures("inference")


class Runs:
    """One edit of a family in all the ways that it can be run."""

    def __init__(self, name: str, store) -> None:
        _, self.model, self.clip, self.latent = family_of(name)
        self.store, self.negative = store, prompt(self.clip)
        self.positive, edit = encode(self.clip, SOURCE, TARGET)
        self.edit = blend(reweight(swap(edit), "hippopotamus", 2.0), mask=torch.ones(1, 4, 4), start=0.0)
        self.picture = {
            "samples": torch.linspace(-1, 1, self.latent["samples"].numel()).view_as(self.latent["samples"])
        }

    def run(self, kind: str, model=None) -> torch.Tensor:
        """A run of a kind, of this model or the family's."""
        model = model or self.model
        if kind in ("edit", "recording", "source left out"):
            return self._sample(model, self.latent, cache=0.0 if kind == "edit" else 1.0)
        if kind == "virtual inversion":
            return self._sample(model, self.picture, inversion=virtual())
        made = invert(model, self.positive, self.picture, STEPS, "simple", cache=1.0)
        return self._sample(model, self.picture, inversion=made.inversion, cache=1.0)

    def plain(self) -> torch.Tensor:
        """The run without an edit."""
        return sample(self.model, self.positive, self.negative, rows(self.latent, 2), steps=STEPS, scheduler="simple")

    def _sample(self, model, latent: Latent, **more) -> torch.Tensor:
        self.patched, batch = control(model, self.edit, latent, **more)  # which the host keeps, as all that nodes give
        return sample(self.patched, self.positive, self.negative, batch, steps=STEPS, scheduler="simple")


@pytest.fixture(scope="module", params=["chroma", "cosmos"])
def runs(request, part):
    """Runs of a family with joint attention, and of one with cross-attention."""
    return Runs(request.param, part("p2p_attention.host.source_cache").CACHE)


@pytest.fixture
def prepared(runs):
    """prepared(kind): the store as a run of a kind finds it; empty before and after."""

    def prepare(kind: str) -> None:
        runs.store.clear()
        if kind == "source left out":
            runs.run("recording")

    runs.store.clear()
    yield prepare
    runs.store.clear()


def faulty(model, fault: Fault):
    """The model with another pack's attention, in which the fault is."""
    clone = model.clone()
    options = clone.model_options["transformer_options"]
    options[OVERRIDE] = lambda function, *args, **kwargs: (fault(), function(*args, **kwargs))[1]
    return clone


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FAULTS)
def test_inside_the_attention(name, kind, runs, prepared):
    right = runs.plain(), runs.run("edit")
    prepared(kind)
    expected = runs.run(kind)
    prepared(kind)
    count = Fault(FAULTS[name], -1)
    runs.run(kind, faulty(runs.model, count))
    assert count.passed >= STEPS
    for place in sorted({round(at * (count.passed - 1) / (PLACES - 1)) for at in range(PLACES)}):
        prepared(kind)
        held = runs.store.bytes
        with pytest.raises(FAULTS[name]):
            runs.run(kind, faulty(runs.model, Fault(FAULTS[name], place)))
        assert kind == "inversion" or runs.store.bytes == held, "something of a run that broke is kept"
        assert torch.equal(runs.plain(), right[0]) and torch.equal(runs.run("edit"), right[1])
    prepared(kind)
    assert torch.equal(runs.run(kind), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_host_unloads_the_model_in_the_middle(kind, runs, prepared):
    prepared(kind)
    expected = runs.run(kind)
    for call in range(STEPS):
        prepared(kind)
        calls = iter(range(1000))

        def unload(arguments, calls=calls, call=call):
            if next(calls) == call:
                comfy.model_management.unload_all_models()
                comfy.model_management.soft_empty_cache()

        made = runs.run(kind, noting(runs.model, unload)[0])
        if kind == "source left out":
            assert torch.allclose(made, expected, rtol=1e-3, atol=1e-4), "what is forgotten is computed"
        else:
            assert torch.equal(made, expected)
    prepared(kind)
    assert torch.equal(runs.run(kind), expected)


def test_the_host_frees_memory_between_runs_with_the_cache_on(runs, prepared):
    prepared("recording")
    first = runs.run("recording")
    assert runs.store.bytes
    comfy.model_management.unload_all_models()
    assert runs.store.bytes == 0, "recordings go when the host unloads the model"
    assert torch.equal(runs.run("recording"), first) and runs.store.bytes
