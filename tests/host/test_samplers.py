"""Every sampler with every scheduler on each kind of model: E1 to E5, or a refusal. `make samplers` runs all and writes
docs/samplers.md.

`make test` runs each sampler and each scheduler at least once on a UNet, and every fourth sampler on the transformers,
and holds them against the tables.
"""

import os

import comfy.samplers
import pytest
import torch

from lab.bench.document import TABLES

from .conftest import ROOT
from .family import family_of
from .graph import control, empty, encode, prompt, refine, reweight, rows, sample

SAMPLERS, SCHEDULERS = comfy.samplers.SAMPLER_NAMES, comfy.samplers.SCHEDULER_NAMES
TABLE = ROOT / "docs" / "samplers.md"
KINDS = {
    "UNets": "",
    "Transformers with joint attention": "chroma",
    "Transformers with cross-attention": "cosmos",
}
"""Kinds of models, and which of their families is run: of UNets the tests' small model."""
SLICE = [
    (kind, sampler, SCHEDULERS[i % len(SCHEDULERS)])
    for kind, family in KINDS.items()
    for i, sampler in enumerate(SAMPLERS)
    if not family or i % 4 == 0
]
PROPERTIES = ("E1", "E2", "E3", "E4", "E5")
SOURCE, TARGET = "a red circle on a blue background", "a large striped red circle on a blue background"


@pytest.fixture(scope="module")
def checks(demo, part):
    """checks(kind): what checks samplers on a kind of model."""
    made, first_prompt = {}, part("p2p_attention.host.conditioning").first_prompt

    def check(kind):
        if kind not in made:
            family = KINDS[kind] and family_of(KINDS[kind])
            made[kind] = checked(first_prompt, *(family[1:] if family else (*demo[:2], empty((3, 8, 8)))))
        return made[kind]

    return check


def checked(first_prompt, model, clip, picture):
    """check(sampler, scheduler): which of the properties hold on a model, or the words of the refusal."""
    uncond = prompt(clip)

    def graph(source=SOURCE, refined=True, unit=False):
        positive, edit = encode(clip, source, TARGET)
        if refined and source != TARGET:
            edit = refine(edit, end=0.8)
        if unit:
            edit = reweight(edit, "striped", 1.0)
        patched, latent = control(model, edit, picture, self_end=0.6 if refined else 0.0, resolution="1/2")
        return patched, positive, latent

    def run(patched, positive, latent, sampler, scheduler):
        seen = []

        def keep(arguments):
            seen.append(arguments["conds_out"][1][:1].clone())
            return arguments["conds_out"]

        watched = patched.clone()
        watched.set_model_sampler_pre_cfg_function(keep)
        made = sample(watched, positive, uncond, latent, sampler=sampler, scheduler=scheduler, steps=4)
        return made, seen

    def close(a, b):
        return bool((a - b).norm() <= 1e-3 * b.norm())

    def measure(sampler, scheduler):
        at = (sampler, scheduler)
        try:
            same, _ = run(*graph(source=TARGET), *at)
        except ValueError as refused:
            return str(refused)
        off, uncond_off = run(*graph(refined=False), *at)
        edited, uncond_edited = run(*graph(), *at)
        unit, _ = run(*graph(unit=True), *at)
        positive = graph(refined=False)[1]
        plain, _ = run(model, positive, rows(picture, 2), *at)
        twice, _ = run(model, prompt(clip, SOURCE), rows(picture, 2), *at)
        alone, _ = run(model, first_prompt(positive), picture, *at)  # as long as in the pair
        draws_noise = not torch.equal(twice[0], twice[1])
        assert torch.isfinite(edited).all() and not torch.equal(edited[1], off[1]), "the edit must do something"
        return {
            "E1": torch.equal(same[0], same[1]),
            "E2": close(off[:1], alone) if draws_noise else torch.equal(off, plain),
            "E3": torch.equal(edited[0], off[0]),
            "E4": all(torch.equal(a, b) for a, b in zip(uncond_edited, uncond_off, strict=True)),
            "E5": torch.equal(unit, edited),
        }

    return measure


def read_tables() -> dict[tuple[str, str, str], str]:
    """What docs/samplers.md says of each kind of model, sampler and scheduler."""
    said = {}
    for part in TABLE.read_text().split(TABLES)[1:]:
        lines = [line.strip("|\n ").split("|") for line in part.splitlines() if line.startswith("|")]
        schedulers = [cell.strip() for cell in lines[0][1:]]
        for sampler, *cells in lines[2:]:
            for scheduler, cell in zip(schedulers, cells, strict=True):
                said[part.splitlines()[0], sampler.strip(), scheduler] = cell.strip()
    return said


def in_short(result: dict[str, bool] | str) -> str:
    """A cell of a table: a tick, the properties that fail, or that it is refused."""
    if isinstance(result, str):
        return "refused"
    return ", ".join(f"not {name}" for name in PROPERTIES if not result[name]) or "✓"


@pytest.mark.parametrize("kind, sampler, scheduler", SLICE)
def test_what_the_tables_say(kind, sampler, scheduler, checks):
    result = checks(kind)(sampler, scheduler)
    if isinstance(result, str):
        assert result.startswith("P2P Attention Controller: ") and sampler in result
    else:
        assert all(result.values()), result
    assert read_tables()[kind, sampler, scheduler] == in_short(result)


def test_the_tables_are_of_all_that_the_host_offers():
    cells = {(kind, sampler, scheduler) for kind in KINDS for sampler in SAMPLERS for scheduler in SCHEDULERS}
    assert set(read_tables()) == cells
    assert set(read_tables().values()) <= {"✓", "refused"}


if os.environ.get("P2P_ALL_SAMPLERS"):

    @pytest.mark.parametrize("kind", KINDS)
    def test_write_the_tables(kind, checks):
        head, *parts = TABLE.read_text().split(TABLES)
        sections = {part.splitlines()[0]: part.strip() for part in parts}
        lines = [f"| sampler | {' | '.join(SCHEDULERS)} |", "|---" * (1 + len(SCHEDULERS)) + "|"]
        for sampler in SAMPLERS:
            cells = [in_short(checks(kind)(sampler, scheduler)) for scheduler in SCHEDULERS]
            lines.append(f"| {sampler} | {' | '.join(cells)} |")
        sections[kind] = "\n".join([kind, "", *lines])
        written = (TABLES + sections[each] for each in KINDS if each in sections)
        TABLE.write_text(head.strip() + "\n" + "\n".join(written) + "\n")
