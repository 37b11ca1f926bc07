"""The source cache: a second edit of the same source computes its targets only, and gives what the batch gives."""

import pytest
import torch

from .graph import SIZES, blend, control, empty, encode, prompt, refine, reweight, sample, swap, watch

PROMPTS = {
    "demo": ("a red circle on a blue background", "a red square on a blue background"),
    "sd15": ("a cat on a mat", "a hippopotamus on a mat"),
    "sdxl": ("a cat on a mat", "a hippopotamus on a mat"),
}
ADDED = {"demo": "a large red circle on a blue background", "sd15": "a big cat on a mat", "sdxl": "a big cat on a mat"}
SAMPLERS = ["euler", "heun", "dpmpp_2m", "euler_ancestral", "lcm", "uni_pc", "euler_cfg_pp", "dpmpp_sde"]


@pytest.fixture(autouse=True)
def cache(part):
    """The pack's store, empty before and after."""
    store = part("p2p_attention.host.source_cache").CACHE
    store.clear()
    yield store
    store.clear()


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
