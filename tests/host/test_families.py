"""The README's table of models and edits: a ✓ is an edit that acts and leaves the source alone, a – is a refusal."""

from pathlib import Path

import pytest
import torch

from lab import random_models, random_texts, tools
from lab.random_transformers import CROSS, JOINT, cross, joint

from .graph import SIZES, blend, control, empty, encode, invert, prompt, refine, reweight, sample, swap, watch

SOURCE, SWAPPED, ADDED = "a cat on a mat", "a hippopotamus on a mat", "a big cat on a red mat"
MODELS = {
    "Stable Diffusion 1, 2, XL": ("sd15", "sd2", "sdxl"),
    "Stable Diffusion 3, 3.5": ("sd3",),
    "Flux.1": ("flux",),
    "Flux.2 dev": ("flux2",),
    "Flux.2 klein": ("klein",),
    "Chroma": ("chroma",),
    "Qwen-Image": ("qwen",),
    "Z-Image": ("zimage",),
    "Lumina 2": ("lumina2",),
    "AuraFlow": ("aura",),
    "Krea 2": ("krea2",),
    "Cosmos-Predict2": ("cosmos",),
    "Anima": ("anima",),
    "Wan 2.1, 2.2": ("wan",),
}
EDITS = {
    "swap": (SWAPPED, swap),
    "refine": (ADDED, refine),
    "reweight": (SWAPPED, lambda edit: reweight(swap(edit), "mat", 2.0)),
    "word windows": (SWAPPED, lambda edit: swap(edit, word_windows="mat: 0.0 - 0.3")),
    "local blend": (SWAPPED, lambda edit: blend(swap(edit), mask_from="difference", threshold=0.5)),
    "word maps": (SWAPPED, lambda edit: watch(swap(edit), "cat, hippopotamus")),
    "targets, sweeps": (SWAPPED, lambda edit: reweight(swap(edit), "mat", strength_sweep="0, 2, 4")),
    "renormalise": (SWAPPED, lambda edit: reweight(swap(edit), "mat", 2.0, renormalise=True)),
}


def table(readme):
    """{model: {edit: whether it works}} as a README has it, whatever its language."""
    text = (Path(__file__).parents[2] / readme).read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    cells = {row[0]: row[1:] for row in rows if set(row[1:]) <= {"✓", "–"}}
    return {model: dict(zip((*EDITS, "DDIM inversion"), row, strict=True)) for model, row in cells.items()}


def test_both_languages_have_the_same_table():
    assert table("README.md") == table("README.ko.md") and list(table("README.md")) == list(MODELS)


def test_the_table_of_hosts_has_the_same_models():
    """tools/hosts.py has a row for each name of the tests, with the README's title, or its part of it."""
    families = tools.load("hosts").FAMILIES
    assert [*families] == [name for names in MODELS.values() for name in names]
    for title, names in MODELS.items():
        first, *others = (families[name] for name in names)
        shared = first.rpartition(" ")[0]
        assert ", ".join([first, *(other.removeprefix(f"{shared} ") for other in others)]) == title


HERE = {*SIZES, *JOINT, *CROSS, "klein"}
"""The models of this host."""


HERE_BY_ROW = [(model, name) for model, names in MODELS.items() for name in names if name in HERE]


@pytest.fixture(scope="module", params=HERE_BY_ROW, ids=[name for _, name in HERE_BY_ROW])
def family(request):
    """(row of the table, model, clip, latent)."""
    model, name = request.param
    row = table("README.md")[model]
    if name in SIZES:
        return row, *getattr(random_models, name)(), empty(SIZES[name])
    if name == "klein":  # Flux.2's model, and another text encoder
        return row, joint("flux2")[0], random_texts.klein(), empty(JOINT["flux2"].latent)
    made = (cross if name in CROSS else joint)(name)
    return row, *made, empty((CROSS | JOINT)[name].latent)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit(family, name):
    row, model, clip, latent = family
    target, edited = EDITS[name]
    pair = encode(clip, SOURCE, target)

    def run(edit, self_end):
        controlled = control(model, edit, latent, self_end=self_end)
        return sample(controlled.model, pair.positive, prompt(clip), controlled.latent, steps=4)

    with torch.inference_mode():
        if row[name] == "–":
            with pytest.raises(ValueError, match="P2P Reweight: renormalise .* Switch renormalise off"):
                run(edited(pair.edit), 0.4)
            return
        made, plain = run(edited(pair.edit), 0.4), run(pair.edit, 0.0)
    if name == "targets, sweeps":  # more rows than the plain run's, which a CPU may round otherwise
        assert (made[0] - plain[0]).norm() <= 1e-5 * plain[0].norm()
    else:
        assert torch.equal(made[0], plain[0])
    assert all(float((one - plain[1]).norm() / plain[1].norm()) > 1e-5 for one in made[1:])


def test_ddim_inversion(family):
    """The source is the picture, and the target is edited."""
    row, model, clip, latent = family
    assert row["DDIM inversion"] == "✓"
    pair = encode(clip, SOURCE, SWAPPED)
    picture = {"samples": torch.randn(latent["samples"].shape, generator=torch.Generator().manual_seed(0))}
    with torch.inference_mode():
        inverted = invert(model, pair.positive, picture, steps=4)
        controlled = control(model, swap(pair.edit), picture, inversion=inverted.inversion)
        made = sample(controlled.model, pair.positive, prompt(clip), controlled.latent, steps=4)
    made = made.reshape(2, *picture["samples"].shape[1:])
    torch.testing.assert_close(made[0], picture["samples"][0], rtol=1e-4, atol=1e-4)
    assert float((made[1] - made[0]).norm() / made[0].norm()) > 1e-4
