"""The hot path on fake CUDA tensors: what a GPU would trip over, found where there is none (lab/fake_cuda.py)."""

from itertools import islice

import pytest
import torch

from lab.bench.device import Counter
from lab.fake_cuda import FakeCuda
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
MODELS = [name for name in ("sd15", *JOINT, *CROSS) if name not in ("flux2", "lumina2", "aura", "anima")]
CALLS = 3


@pytest.fixture(scope="module", params=MODELS)
def family(request):
    """(MODEL, CLIP, latent) of its own, for what fails here would be left in it; with what makes such a MODEL again."""
    name = request.param
    if name == "sd15":
        return *sd15(), empty(SIZES["sd15"]), lambda: sd15()[0]
    build = cross if name in CROSS else joint
    return *build(name), empty((CROSS | JOINT)[name].latent), lambda: build(name)[0]


@pytest.fixture
def run_on_fakes(part):
    """run_on_fakes(model, clip, latent, plan, cfg): the device of the latent after all calls of the model."""
    fakes = FakeCuda(part("p2p_attention.host.sampling"), CALLS)

    def run(model, clip, latent, plan, cfg):
        target, edited = PLANS[plan]
        positive, edit = encode(clip, SOURCE, target)
        inversion = None
        if plan == "inversion":
            latent = {"samples": torch.ones_like(latent["samples"])}
            inversion = invert(model, positive, latent, CALLS + 1, "simple").inversion
        controlled = control(model, edited(edit), latent, self_end=0.8, inversion=inversion)
        fakes.run(controlled.model, positive, prompt(clip), controlled.latent, cfg)
        return fakes.device

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


def ratio(counted, what):
    return counted["edited"][what] / counted["plain"][what]


def test_what_an_edit_costs_a_gpu():
    """Counted, so no clock is asked. A recording holds no more than the edit, a second edit computes its target."""
    counter = Counter(sd15(), (4, (32, 32), 7.0), calls=2)
    counted = dict(islice(counter.edits(), 1)) | dict(counter.cached())
    assert all(ratio(counted[name], "peak") <= 1.02 for name in ("swap", "recording"))
    assert ratio(counted["swap"], "operations") <= 1.001
    assert ratio(counted["second"], "operations") <= ratio(counted["alone"], "operations") + 0.001
    assert ratio(counted["second"], "beside_weights") <= 0.55
    assert ratio(counted["direct"], "operations") == pytest.approx(0.75, abs=0.01)
