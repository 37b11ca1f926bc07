"""ComfyUI's MultiGPU CFG Split: each prompt on a device of its own, all at the same time, and the edit holds.

A device computes its prompt as one device computes it by itself, bit for bit; all prompts in one batch are rounded in
another way.
"""

import sys
import threading
from typing import Any, NamedTuple

import comfy.model_management
import comfy.model_patcher
import pytest
import torch

from lab.random_models import sd15
from lab.random_transformers import CROSS, JOINT, cross, joint

from .devices import split, with_devices
from .family import ROUNDING
from .graph import (
    SIZES,
    Latent,
    blend,
    blend_mask,
    control,
    empty,
    encode,
    invert,
    ksampler,
    prompt,
    refine,
    reweight,
    swap,
    virtual,
    watch,
)

SOURCE, SWAPPED, ADDED = "a cat on a mat", "a hippopotamus on a mat", "a big cat on a red mat"
MODELS = ("sd15", "zimage", "cosmos")
STEPS = 3
EDITS = {
    "swap": (SWAPPED, swap),
    "refine": (ADDED, refine),
    "reweight": (ADDED, lambda edit: reweight(refine(edit), "red", 3.0)),
    "word windows": (SWAPPED, lambda edit: swap(edit, word_windows="mat: 0.0 - 0.3")),
    "blend by words": (
        ADDED,
        lambda edit: blend(reweight(refine(edit), "red", 3.0), "cat", start=0.0, resolution="1/2"),
    ),
    "blend by the difference": (SWAPPED, lambda edit: blend(swap(edit), mask_from="difference", start=0.0)),
    "watch": (SWAPPED, lambda edit: watch(swap(edit), "", resolution="1/2")),
}


def build(name):
    """MODEL and CLIP."""
    return sd15() if name == "sd15" else (cross if name in CROSS else joint)(name)


class Family(NamedTuple):
    """A MODEL on one device, and `over_two`; a CLIP and a latent that fit it."""

    model: Any
    over_two: Any
    clip: Any
    latent: Latent


@pytest.fixture(scope="module", params=MODELS)
def family(request):
    """A model of each way of attending; Z-Image's has a part that the pack replaces."""
    name = request.param
    shape = SIZES[name] if name == "sd15" else (CROSS | JOINT)[name].latent
    model, clip = build(name)
    with pytest.MonkeyPatch.context() as patched:
        with_devices(patched, 2)
        return Family(model, split(model, lambda: build(name)[0]), clip, empty(shape))


@pytest.fixture(autouse=True)
def two_devices(monkeypatch):
    """The host finds two devices."""
    with_devices(monkeypatch, 2)


@pytest.fixture
def hostile_threads():
    """Threads change hands fifty times as often as they would."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def one_by_one(monkeypatch):
    """one_by_one(run): what a run gives on one device that has room for one prompt at a time."""

    def alone(run, *args, **options):
        with monkeypatch.context() as patched:
            patched.setattr(comfy.model_patcher.ModelPatcher, "get_free_memory", lambda self, device: 0)
            return run(*args, **options)

    return alone


# where the pair's prompt comes among those of a call, of which the first half is the first device's
PLACES = {
    "the pair first": lambda pair, more: pair,
    "the pair second": lambda pair, more: more + more + pair,
    "the pair on both": lambda pair, more: pair + more + pair,
}


def edited(model, clip, latent, what, place="the pair first", **options):
    """The latent that an edit's run gives."""
    target, edit_of = EDITS[what]
    pair, edit = encode(clip, SOURCE, target)
    controlled = control(model, edit_of(edit), latent, self_end=0.8, resolution="1/2")
    positive = PLACES[place](pair, prompt(clip, "a dog"))
    return ksampler(controlled.model, positive, prompt(clip), controlled.latent, **{"steps": STEPS, **options})


def assert_equal_to_rounding(made, expected):
    assert (made - expected).norm() <= ROUNDING * expected.norm()


@pytest.mark.parametrize("what", EDITS)
def test_every_edit(family, what, one_by_one, inference):
    model, over_two, clip, latent = family
    made = edited(over_two, clip, latent, what)["samples"]
    assert not torch.equal(made[0], made[1])
    assert torch.equal(made, one_by_one(edited, model, clip, latent, what)["samples"])
    assert_equal_to_rounding(made, edited(model, clip, latent, what)["samples"])


@pytest.mark.parametrize("place", list(PLACES)[1:])
@pytest.mark.parametrize("what", ["blend by words"])
def test_prompts_beside_the_pair(family, what, place, hostile_threads):
    """Four prompts, two for each device; whichever is done first, the outcome is the same."""
    model, over_two, clip, latent = family
    made = edited(over_two, clip, latent, what, place)["samples"]
    assert not torch.equal(made[0], made[1])
    assert_equal_to_rounding(made, edited(model, clip, latent, what, place)["samples"])
    assert torch.equal(made, edited(over_two, clip, latent, what, place)["samples"])


def test_the_devices_run_at_the_same_time(family):
    """Each prompt in its device's own thread, with the device's own copy of the model."""
    _, over_two, clip, latent = family
    pair, edit = encode(clip, SOURCE, SWAPPED)
    controlled = control(over_two, swap(edit), latent)
    seen, together = [], threading.Barrier(2, timeout=60)

    def meet(apply, call):
        together.wait()
        device = call["c"]["transformer_options"]["multigpu_thread_device"]
        seen.append((call["cond_or_uncond"], device, threading.get_ident()))
        return apply(call["input"], call["timestep"], **call["c"])

    controlled.model.set_model_unet_function_wrapper(meet)
    ksampler(controlled.model, pair, prompt(clip), controlled.latent, steps=STEPS)
    assert len(seen) == 2 * STEPS
    first, second = sorted({*map(str, seen)})
    assert first.startswith("([0], device(type='cpu'), ") and second.startswith("([1], device(type='cpu', index=1), ")
    assert threading.get_ident() not in {thread for _, _, thread in seen}


def test_masks_and_maps_are_those_of_one_device(family, one_by_one, part):
    model, over_two, clip, latent = family
    pair, edit = encode(clip, SOURCE, SWAPPED)
    edit = watch(blend(swap(edit), "cat", start=0.0, resolution="1/2"), "", resolution="1/2")

    def found(model):
        controlled = control(model, edit, latent, resolution="1/2")
        made = ksampler(controlled.model, pair, prompt(clip), controlled.latent, steps=STEPS)
        maps = part("p2p_attention.host.findings").watched_maps(made)
        return [blend_mask(made), *(one.map for one in maps)]

    over, alone = found(over_two), one_by_one(found, model)
    assert len(over) == 11 and all(map(torch.equal, over, alone))


@pytest.mark.parametrize("method", ["direct", "aligned", "negative_prompt"])
def test_inversion(family, method, one_by_one):
    model, over_two, clip, latent = family
    generator = torch.Generator().manual_seed(5)
    latent = {"samples": torch.randn(latent["samples"].shape, generator=generator)}
    pair, edit = encode(clip, SOURCE, SWAPPED)

    def run(model):
        inverted = invert(model, pair, latent, STEPS, method=method)
        controlled = control(model, swap(edit), latent, inversion=inverted.inversion)
        negative = inverted.negative if method == "negative_prompt" else prompt(clip)
        return ksampler(controlled.model, pair, negative, controlled.latent, steps=STEPS)["samples"]

    assert torch.equal(run(over_two), one_by_one(run, model))


def test_virtual_inversion(family, one_by_one):
    model, over_two, clip, latent = family
    generator = torch.Generator().manual_seed(5)
    latent = {"samples": torch.randn(latent["samples"].shape, generator=generator)}
    pair, edit = encode(clip, SOURCE, SWAPPED)

    def run(model):
        controlled = control(model, swap(edit), latent, inversion=virtual())
        return ksampler(controlled.model, pair, prompt(clip), controlled.latent, steps=STEPS, sampler="lcm")["samples"]

    assert torch.equal(run(over_two), one_by_one(run, model))


@pytest.fixture
def rows_seen(family):
    """A list that gets the number of rows of each forward pass, on whichever device."""
    seen: list[int] = []
    networks = [one.model.diffusion_model for one in (family.model, *copies(family.over_two))]
    hooks = [
        network.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0]))) for network in networks
    ]
    yield seen
    for hook in hooks:
        hook.remove()


def copies(model):
    """A MODEL on the other devices."""
    return model.get_additional_models_with_key("multigpu")


@pytest.mark.parametrize("recorded_over_two", [True, False])
def test_source_cache(family, recorded_over_two, cache, rows_seen):
    """What is recorded over two devices stands in for the source on one, and the other way round."""
    model, over_two, clip, latent = family
    pair, edit = encode(clip, SOURCE, SWAPPED)

    def run(model, edit, size=1.0):
        controlled = control(model, edit, latent, self_end=0.8, resolution="1/2", cache=size)
        return ksampler(controlled.model, pair, prompt(clip), controlled.latent, steps=STEPS)["samples"]

    later = blend(reweight(swap(edit), "hippopotamus", 2.0), "", start=0.0, resolution="1/2")
    recording, replaying = (over_two, model) if recorded_over_two else (model, over_two)
    expected = run(model, later, size=0.0)
    first = run(recording, swap(edit, end=1.0))
    rows_seen.clear()
    made = run(replaying, later)
    assert sum(rows_seen) == 2 * STEPS, "the targets only, of two prompts"
    assert torch.equal(made[0], first[0]), "the source is the recorded one"
    assert (made - expected).norm() <= 10 * ROUNDING * expected.norm()
    assert torch.equal(run(replaying, later), made), "E9 holds again"


def test_an_interrupt(family):
    """It is heard on a device, ends the run, and leaves nothing behind."""
    _, over_two, clip, latent = family
    pair, edit = encode(clip, SOURCE, SWAPPED)
    controlled = control(over_two, swap(edit), latent)

    def run(interrupted):
        def apply(apply, call):
            if interrupted and float(call["timestep"][0]) < 5:
                comfy.model_management.interrupt_current_processing()
            return apply(call["input"], call["timestep"], **call["c"])

        clone = controlled.model.clone()
        clone.set_model_unet_function_wrapper(apply)
        return ksampler(clone, pair, prompt(clip), controlled.latent, steps=STEPS)["samples"]

    before = run(False)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        run(True)
    comfy.model_management.interrupt_current_processing(False)
    assert torch.equal(run(False), before)


def test_a_node_that_splits_rows_is_refused_on_any_device(family):
    _, over_two, clip, latent = family
    pair, edit = encode(clip, SOURCE, SWAPPED)
    controlled = control(over_two, swap(edit), latent)
    clone = controlled.model.clone()

    def halves(apply, call):
        rows = [slice(n, n + 1) for n in range(len(call["input"]))]
        conds = {"c_crossattn": call["c"]["c_crossattn"], "transformer_options": call["c"]["transformer_options"]}
        more = {key: value for key, value in call["c"].items() if key not in conds}
        made = [
            apply(
                call["input"][row],
                call["timestep"][row],
                transformer_options=conds["transformer_options"],
                c_crossattn=conds["c_crossattn"][row],
                **{k: v[row] if torch.is_tensor(v) and len(v) == len(call["input"]) else v for k, v in more.items()},
            )
            for row in rows
        ]
        return torch.cat(made)

    clone.set_model_unet_function_wrapper(halves)
    with pytest.raises(ValueError, match="P2P Attention Controller: .* 1 rows where 2 were expected"):
        ksampler(clone, pair, prompt(clip), controlled.latent, steps=STEPS)


def test_the_split_behind_the_controller(part):
    """The host's node may come behind the Controller too; Z-Image's part that the pack replaces is each copy's own."""
    model, clip = build("zimage")
    pair, edit = encode(clip, SOURCE, ADDED)
    runs, latent = [], empty(JOINT["zimage"].latent)
    for behind in (False, True):
        base = model if behind else split(model, lambda: build("zimage")[0])
        controlled = control(base, refine(edit), latent)
        patched = split(controlled.model, lambda: build("zimage")[0]) if behind else controlled.model
        runs.append(ksampler(patched, pair, prompt(clip), controlled.latent, steps=STEPS)["samples"])
        for one in (patched, *copies(patched)):
            embedder = one.get_model_object("diffusion_model.cap_embedder")
            assert type(embedder) is part("p2p_attention.host.backbones.z_image").FilledEmbedder
            assert {id(w) for w in embedder.parameters()} < {id(w) for w in one.model.diffusion_model.parameters()}
    assert torch.equal(*runs)
