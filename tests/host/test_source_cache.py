"""The source cache: a second edit of the same source computes its targets only, and gives what the batch gives."""

import gc

import comfy.cldm.cldm as cldm
import comfy.controlnet
import comfy.hooks
import comfy.model_management
import comfy.ops
import nodes
import pytest
import torch

from lab.discs.model import load
from lab.random_models import randomise

from .graph import (
    SIZES,
    Checkpoint,
    blend,
    control,
    empty,
    encode,
    invert,
    prompt,
    refine,
    reweight,
    rows,
    sample,
    swap,
    watch,
)

PROMPTS = {
    "demo": ("a red circle on a blue background", "a red square on a blue background"),
    "sd15": ("a cat on a mat", "a hippopotamus on a mat"),
    "sdxl": ("a cat on a mat", "a hippopotamus on a mat"),
}
ADDED = {"demo": "a large red circle on a blue background", "sd15": "a big cat on a mat", "sdxl": "a big cat on a mat"}
SAMPLERS = ["euler", "heun", "dpmpp_2m", "euler_ancestral", "lcm", "uni_pc", "euler_cfg_pp", "dpmpp_sde"]


pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def counted():
    """counted(model): a list that gets the number of rows of each call of the network."""
    hooks = []

    def count(model):
        seen: list[int] = []
        network = model.get_model_object("diffusion_model")
        hooks.append(network.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0]))))
        return seen

    yield count
    for hook in hooks:
        hook.remove()


def assert_equals(made, expected):
    """To the rounding of another batch shape, which is far below what the edit does."""
    error, effect = (made - expected).norm(), (expected[1:] - expected[:1]).norm()
    assert error <= 1e-4 * expected.norm() and error <= 1e-2 * effect, (error, expected.norm(), effect)


EDITS = {
    "swap": lambda edit, name: swap(edit, end=0.8),
    "wider swap": lambda edit, name: swap(edit, end=1.0),
    "reweight": lambda edit, name: reweight(edit, "red" if name == "demo" else "mat", 3.0, end=1.0),
    "swap, blend": lambda edit, name: blend(swap(edit), "", threshold=0.3, start=0.0, resolution="1/2"),
    "swap, watch": lambda edit, name: watch(swap(edit), "", resolution="1/2"),
    "refine": lambda edit, name: refine(edit, end=0.8),
    "refine, reweight, blend": lambda edit, name: blend(
        reweight(refine(edit), "large" if name == "demo" else "big", 2.0, renormalise=True), "", 0.3, 0.0, "1/2"
    ),
}


def edited(family, name, what, cache=0.0, self_end=0.4, **options):
    """The source and the target of an edit."""
    source, swapped = PROMPTS[name]
    positive, edit = encode(family.clip, source, ADDED[name] if "refine" in what else swapped)
    edit = EDITS[what](edit, name)
    model, latent = control(family.model, edit, empty(SIZES[name]), self_end=self_end, resolution="1/2", cache=cache)
    return sample(model, positive, prompt(family.clip), latent, **{"steps": 5, **options})


@pytest.mark.parametrize("what", EDITS)
@pytest.mark.parametrize("name", PROMPTS)
def test_a_second_edit_equals_the_batchs_run(name, what, request, counted):
    family = request.getfixturevalue(name)
    expected = edited(family, name, what)
    first = edited(family, name, "wider swap", cache=1.0, self_end=1.0)
    assert torch.equal(first, edited(family, name, "wider swap", self_end=1.0)), "recording changes nothing"
    seen = counted(family.model)
    made = edited(family, name, what, cache=1.0)
    assert torch.equal(made[0], first[0]), "the source is the recorded one"
    assert_equals(made, expected)
    assert seen == [2] * 5, "of two prompts the targets only"


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_samplers(sampler, demo, counted):
    options = {"sampler": sampler, "scheduler": "karras", "steps": 4}
    expected = edited(demo, "demo", "swap", **options)
    first = edited(demo, "demo", "wider swap", cache=1.0, self_end=1.0, **options)
    seen = counted(demo.model)
    made = edited(demo, "demo", "swap", cache=1.0, **options)
    assert torch.equal(made[0], first[0]) and set(seen) == {2}
    assert_equals(made, expected)
    seen.clear()
    assert torch.equal(edited(demo, "demo", "swap", cache=1.0, **options), made), "E9 holds again"


def test_e1_and_e2_with_a_store(demo):
    source, target = PROMPTS["demo"]
    edited(demo, "demo", "wider swap", cache=1.0, self_end=1.0)
    positive, edit = encode(demo.clip, source, source)
    model, latent = control(demo.model, edit, empty(SIZES["demo"]), self_end=0.0, cache=1.0)
    same = sample(model, positive, prompt(demo.clip), latent)
    assert (same[0] - same[1]).norm() <= 1e-4 * same[0].norm()
    positive, edit = encode(demo.clip, source, target)
    model, latent = control(demo.model, edit, empty(SIZES["demo"]), self_end=0.0, cache=1.0)
    plain = sample(demo.model, positive, prompt(demo.clip), rows(empty(SIZES["demo"]), 2))
    assert_equals(sample(model, positive, prompt(demo.clip), latent), plain)


def test_many_targets_and_pictures(demo, counted):
    """N rows in place of N + 1, for every picture of a batch."""
    source, target = PROMPTS["demo"]

    def run(targets, cache):
        positive, edit = encode(demo.clip, source, target, more="\n".join(targets))
        pictures = {"samples": torch.zeros(2, *SIZES["demo"])}
        model, latent = control(demo.model, swap(edit, end=0.8), pictures, resolution="1/2", cache=cache)
        return sample(model, positive, prompt(demo.clip), latent)

    more = ["a red circle on a green background", "a white circle on a blue background"]
    expected = run(more, 0.0)
    run([], 1.0)
    seen = counted(demo.model)
    made = run(more, 1.0)
    assert seen == [2 * 2 * 3] * 5
    assert_equals(made, expected)


def test_what_was_not_recorded_is_computed_and_added(demo, counted, cache):
    edited(demo, "demo", "swap", cache=1.0, self_end=0.2)
    before, seen = cache.bytes, counted(demo.model)
    made = edited(demo, "demo", "wider swap", cache=1.0, self_end=0.4)
    assert sorted(set(seen)) == [2, 4] and cache.bytes > before
    assert_equals(made, edited(demo, "demo", "wider swap", self_end=0.4))
    seen.clear()
    edited(demo, "demo", "wider swap", cache=1.0, self_end=0.4)
    assert set(seen) == {2}


CHANGES = {
    "seed": ({"seed": 8}, "the latent differs"),
    "guidance": ({"cfg": 6.0}, "the latent differs"),
    "scheduler": ({"scheduler": "karras"}, "the noise level differs"),
    "steps": ({"steps": 7}, "the noise level differs"),
    "sampler": ({"sampler": "dpmpp_2m"}, "the latent differs"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_another_run_is_another_source(what, demo, counted, caplog):
    change, why = CHANGES[what]
    edited(demo, "demo", "wider swap", cache=1.0, self_end=1.0)
    expected = edited(demo, "demo", "swap", **change)
    seen = counted(demo.model)
    caplog.set_level("INFO")
    made = edited(demo, "demo", "swap", cache=1.0, **change)
    shared = {"guidance": 1, "sampler": 2, "steps": 1}.get(what, 0)
    assert seen[:shared] == [2] * shared and set(seen[shared:]) == {4}
    assert_equals(made, expected)
    assert f"where it was not, {why}" in caplog.text


def lora(model, strength):
    clone = model.clone()
    clone.add_patches({"diffusion_model.out.2.bias": ("diff", (torch.full((3,), 0.1),))}, strength)
    return clone


def hooked(model):
    clone = model.clone()
    clone.set_model_output_block_patch(lambda h, skip, options: (1.01 * h, skip))
    return clone


def attention_hook(model):
    clone = model.clone()
    clone.set_model_attn1_output_patch(lambda n, options: 0.99 * n)
    return clone


def another_object(model):
    clone = model.clone()
    clone.add_object_patch("diffusion_model.p2p_test", torch.nn.Identity())
    return clone


@pytest.mark.parametrize("what", ["LoRA", "LoRA's strength", "host patch", "attention patch", "object"])
def test_another_model_is_another_source(what, demo, counted, caplog):
    before, after = {
        "LoRA": (demo.model, lora(demo.model, 1.0)),
        "LoRA's strength": (lora(demo.model, 1.0), lora(demo.model, 1.1)),
        "host patch": (demo.model, hooked(demo.model)),
        "attention patch": (demo.model, attention_hook(demo.model)),
        "object": (demo.model, another_object(demo.model)),
    }[what]
    edited(demo._replace(model=before), "demo", "wider swap", cache=1.0, self_end=1.0)
    expected = edited(demo._replace(model=after), "demo", "swap")
    seen = counted(demo.model)
    caplog.set_level("INFO")
    made = edited(demo._replace(model=after), "demo", "swap", cache=1.0)
    assert set(seen) == {4} and torch.equal(made, expected)
    assert "patches differ" in caplog.text or "another node's hooks look at the rows" in caplog.text


def test_the_same_patches_are_the_same_model(demo, counted):
    model = hooked(lora(demo.model, 1.0))
    edited(demo._replace(model=model), "demo", "wider swap", cache=1.0, self_end=1.0)
    seen = counted(demo.model)
    edited(demo._replace(model=model.clone()), "demo", "swap", cache=1.0)
    assert set(seen) == {2}


@pytest.mark.parametrize("what", ["source", "negative"])
def test_another_prompt_is_another_source(what, demo, counted, caplog):
    def run(source, negative, cache):
        positive, edit = encode(demo.clip, source, PROMPTS["demo"][1])
        model, latent = control(demo.model, swap(edit, end=0.8), empty(SIZES["demo"]), cache=cache)
        return sample(model, positive, prompt(demo.clip, negative), latent)

    other = ("a green circle on a blue background", "") if what == "source" else (PROMPTS["demo"][0], "green")
    run(PROMPTS["demo"][0], "", 1.0)
    expected = run(*other, 0.0)
    seen = counted(demo.model)
    caplog.set_level("INFO")
    made = run(*other, 1.0)
    assert set(seen) == {4} and torch.equal(made, expected)
    assert "where it was not, the conditioning differs (source prompt or negative)" in caplog.text


class Cancelled(BaseException):
    """As the host's own, no Exception."""


@pytest.mark.parametrize("error", [Cancelled, ZeroDivisionError])
def test_a_run_that_breaks_leaves_nothing(error, demo, cache):
    source, target = PROMPTS["demo"]
    positive, edit = encode(demo.clip, source, target)
    model, latent = control(demo.model, swap(edit), empty(SIZES["demo"]), cache=1.0)
    calls = []

    def breaks(arguments):
        calls.append(1)
        if len(calls) == 3:
            raise error
        return arguments["denoised"]

    broken = model.clone()
    broken.set_model_sampler_post_cfg_function(breaks)
    with pytest.raises(error):
        sample(broken, positive, prompt(demo.clip), latent)
    assert cache.bytes == 0 and len(cache) == 0
    assert torch.equal(edited(demo, "demo", "swap", cache=1.0), edited(demo, "demo", "swap"))


def test_memory_that_runs_out_while_storing(demo, cache, part, monkeypatch, caplog):
    module, passed = part("p2p_attention.source.shelf"), []
    stored = module._to_host

    def out_of_memory(tensor):
        passed.append(1)
        if len(passed) == 20:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return stored(tensor)

    monkeypatch.setattr(module, "_to_host", out_of_memory)
    caplog.set_level("INFO")
    assert torch.equal(edited(demo, "demo", "swap", cache=1.0), edited(demo, "demo", "swap"))
    assert len(passed) == 20 and cache.bytes == 0
    assert "storing failed (RuntimeError)" in caplog.text


def test_a_sweep_pays_for_its_targets(demo, counted):
    """Each value of a sweep is a target: three rows for three values, not four."""

    def run(cache):
        positive, edit = encode(demo.clip, *PROMPTS["demo"])
        edit = reweight(swap(edit, end=0.8), "red", strength_sweep="0, 2, 4")
        model, latent = control(demo.model, edit, empty(SIZES["demo"]), cache=cache)
        return sample(model, positive, prompt(demo.clip), latent, steps=5)

    expected = run(0.0)
    edited(demo, "demo", "wider swap", cache=1.0, self_end=1.0)
    seen = counted(demo.model)
    made = run(1.0)
    assert seen == [2 * 3] * 5
    assert_equals(made, expected)


def test_hooked_loras_are_not_stored(demo, cache, caplog):
    """Hooks may change the model in the middle of a run."""
    positive, edit = encode(demo.clip, *PROMPTS["demo"])
    hooks = comfy.hooks.create_hook_lora({"diffusion_model.out.2.bias.diff": torch.full((3,), 0.1)}, 1.0, 0.0)
    hooked = comfy.hooks.set_conds_props([positive], strength=1.0, set_cond_area="default", hooks=hooks)[0]
    model, latent = control(demo.model, swap(edit), empty(SIZES["demo"]), cache=1.0)
    caplog.set_level("INFO")
    sample(model, hooked, prompt(demo.clip), latent, steps=2)
    assert cache.bytes == 0 and "source cache: not used, for hooks change the model" in caplog.text


def test_a_budget_is_kept(demo, cache, counted, caplog):
    edited(demo, "demo", "wider swap", cache=1.0, self_end=1.0)
    whole = cache.bytes
    cache.clear()
    caplog.set_level("INFO")
    edited(demo, "demo", "wider swap", cache=1.0, self_end=1.0)
    edited(demo, "demo", "swap", cache=1.0)
    assert f"{whole / 2**30:.2f} GiB held, of 1.00 GiB" in caplog.text, "a run that finds everything says its size, too"
    cache.clear()
    budget = 0.5 * whole / 2**30
    edited(demo, "demo", "wider swap", cache=budget, self_end=1.0)
    assert 0.3 * whole < cache.bytes <= 0.5 * whole
    assert "are needed," in caplog.text
    seen = counted(demo.model)
    made = edited(demo, "demo", "wider swap", cache=budget, self_end=1.0)
    assert seen == [2, 2, 4, 4, 4] and cache.bytes <= 0.5 * whole
    assert_equals(made, edited(demo, "demo", "wider swap", self_end=1.0))
    edited(demo, "demo", "wider swap", cache=budget, self_end=1.0, seed=9)
    assert cache.bytes <= 0.5 * whole, "an older source makes room"
    seen.clear()
    edited(demo, "demo", "wider swap", cache=budget, self_end=1.0, seed=9)
    assert seen == [2, 2, 4, 4, 4]


def test_it_goes_with_the_model(cache):
    built = Checkpoint(*load())
    positive, edit = encode(built.clip, *PROMPTS["demo"])
    model, latent = control(built.model, swap(edit), empty(SIZES["demo"]), cache=1.0)
    sample(model, positive, prompt(built.clip), latent)
    assert cache.bytes > 0
    comfy.model_management.unload_all_models()
    assert cache.bytes == 0, "the host unloads its models"
    del model
    edited(built, "demo", "swap", cache=1.0)
    assert cache.bytes > 0
    del built
    gc.collect()
    assert cache.bytes == 0, "the graph lets go of the checkpoint"


@pytest.fixture
def real(demo):
    """Edit a real picture; returns the samples, the rows of the inversion's and of the run's calls, the inversion."""
    noise = torch.rand(2, *SIZES["demo"], generator=torch.Generator().manual_seed(0))
    pictures = torch.nn.functional.interpolate(noise[..., ::8, ::8], scale_factor=8, mode="bilinear") * 2 - 1

    def run(what="swap", cache=0.0, count=1, seen=(), method="direct", inversion=None, iterations=0, sampler="euler"):
        latent = {"samples": pictures[:count]}
        source, target = PROMPTS["demo"]
        positive, edit = encode(demo.clip, source, ADDED["demo"] if "refine" in what else target)
        if inversion is None:
            inversion = invert(demo.model, positive, latent, 5, "normal", method, iterations, cache)[0]
        inverting = len(seen)
        model, batch = control(demo.model, EDITS[what](edit, "demo"), latent, inversion=inversion, cache=cache)
        made = sample(model, positive, prompt(demo.clip), batch, cfg=7.5, sampler=sampler)
        return made, seen[:inverting], seen[inverting:], inversion

    return run


def test_direct_without_a_store_leaves_the_unconditional_source_out(real, counted, demo):
    _, inverting, running, _ = real(seen=counted(demo.model))
    assert inverting == [1] * 5
    assert running == [3, 3, 3, 3, 2], "and all of it when no window is open"


@pytest.mark.parametrize("what", EDITS)
def test_an_inversion_records_what_its_run_needs(what, real, counted, demo):
    expected = real(what)[0]
    made, inverting, running, _ = real(what, cache=1.0, seen=counted(demo.model))
    assert inverting == [1] * 6, "one call more"
    ends_later = what in ("wider swap", "reweight", "refine, reweight, blend", "swap, blend", "swap, watch")
    assert running == [2] * 4 + [3 if ends_later else 2]
    assert_equals(made, expected)


@pytest.mark.parametrize("sampler", ["euler", "ddim", "dpmpp_2m", "heun", "euler_cfg_pp"])
def test_e8_with_a_store(sampler, real, demo, counted):
    expected = real(sampler=sampler)[0]
    first, _, _, inversion = real(sampler=sampler, cache=1.0)
    second, _, running, _ = real(sampler=sampler, cache=1.0, seen=counted(demo.model), inversion=inversion)
    assert set(running) == {2}
    for made in (first, second):
        assert_equals(made, expected)
        clean = inversion.trajectory.clean[0]
        assert (made[0] - clean).norm() <= 1e-5 * clean.norm()


@pytest.mark.parametrize("method, iterations", [("direct", 2), ("ddim", 0)])
def test_other_inversions_stay_right(method, iterations, real):
    """What of them is as recorded is used, and no more."""
    made, expected = (real(method=method, iterations=iterations, cache=cache)[0] for cache in (1.0, 0.0))
    assert_equals(made, expected)


def test_several_real_pictures(real, demo, counted):
    expected = real(count=2)[0]
    made, _, running, _ = real(count=2, cache=1.0, seen=counted(demo.model))
    assert running == [4] * 5
    for picture, wanted in zip(made.split(2), expected.split(2), strict=True):
        assert_equals(picture, wanted)


def test_a_controlnet_is_not_recorded(sd15, counted, caplog, cache):
    unet = {key: value for key, value in sd15.model.model.model_config.unet_config.items() if key != "out_channels"}
    unet.pop("transformer_depth_output", None)
    network = cldm.ControlNet(
        **{**unet, "num_heads": 4, "hint_channels": 3, "dtype": torch.float32}, operations=comfy.ops.disable_weight_init
    )
    randomise(network, 9)
    net = comfy.controlnet.ControlNet(network, load_device=torch.device("cpu"))
    hint = torch.rand(1, 128, 128, 3, generator=torch.Generator().manual_seed(0))
    caplog.set_level("INFO")

    def run(image, cache):
        positive, edit = encode(sd15.clip, *PROMPTS["sd15"])
        positive = (
            nodes.ControlNetApply().apply_controlnet(positive, net, image, 0.5)[0] if image is not None else positive
        )
        model, latent = control(sd15.model, swap(edit), empty(SIZES["sd15"]), cache=cache)
        return sample(model, positive, prompt(sd15.clip), latent)

    run(None, 1.0)
    for image in (hint, 1 - hint):
        assert_equals(run(image, 1.0), run(image, 0.0))
    assert "a ControlNet takes part" in caplog.text
