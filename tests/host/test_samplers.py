"""Every sampler with every scheduler: E1 to E5, or a refusal. `make samplers` runs all and writes docs/samplers.md.

`make test` runs each sampler and each scheduler at least once and holds them against the table.
"""

import os

import comfy.samplers
import pytest
import torch

from .conftest import ROOT
from .graph import control, empty, encode, prompt, refine, reweight, rows, sample

SAMPLERS, SCHEDULERS = comfy.samplers.SAMPLER_NAMES, comfy.samplers.SCHEDULER_NAMES
TABLE = ROOT / "docs" / "samplers.md"
SLICE = [(sampler, SCHEDULERS[i % len(SCHEDULERS)]) for i, sampler in enumerate(SAMPLERS)]
PROPERTIES = ("E1", "E2", "E3", "E4", "E5")
SOURCE, TARGET = "a red circle on a blue background", "a large striped red circle on a blue background"
SHAPE = (3, 8, 8)


@pytest.fixture(scope="module")
def check(demo):
    """check(sampler, scheduler): which of the properties hold, or the words of the refusal."""
    model, clip = demo[:2]
    uncond = prompt(clip)

    def graph(source=SOURCE, refined=True, unit=False):
        positive, edit = encode(clip, source, TARGET)
        if refined and source != TARGET:
            edit = refine(edit, end=0.8)
        if unit:
            edit = reweight(edit, "striped", 1.0)
        patched, latent = control(model, edit, empty(SHAPE), self_end=0.6 if refined else 0.0, resolution="1/2")
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
        plain, _ = run(model, positive, rows(empty(SHAPE), 2), *at)
        twice, _ = run(model, prompt(clip, SOURCE), rows(empty(SHAPE), 2), *at)
        alone, _ = run(model, prompt(clip, SOURCE), empty(SHAPE), *at)
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


def read_table() -> dict[tuple[str, str], str]:
    """What docs/samplers.md says of each sampler with each scheduler."""
    lines = [line.strip("|\n ").split("|") for line in TABLE.read_text().splitlines() if line.startswith("|")]
    head = [cell.strip() for cell in lines[0]]
    cells = [[cell.strip() for cell in line] for line in lines[2:]]
    return {(row[0], scheduler): cell for row in cells for scheduler, cell in zip(head[1:], row[1:], strict=True)}


def in_short(result: dict[str, bool] | str) -> str:
    """A cell of the table: a tick, the properties that fail, or that it is refused."""
    if isinstance(result, str):
        return "refused"
    return ", ".join(f"not {name}" for name in PROPERTIES if not result[name]) or "✓"


@pytest.mark.parametrize("sampler, scheduler", SLICE)
def test_what_the_table_says(sampler, scheduler, check):
    result = check(sampler, scheduler)
    if isinstance(result, str):
        assert result.startswith("P2P Attention Controller: ") and sampler in result
    else:
        assert all(result.values()), result
    assert read_table()[sampler, scheduler] == in_short(result)


def test_the_table_is_of_all_that_the_host_offers():
    assert set(read_table()) == {(sampler, scheduler) for sampler in SAMPLERS for scheduler in SCHEDULERS}
    assert set(read_table().values()) <= {"✓", "refused"}


if os.environ.get("P2P_ALL_SAMPLERS"):

    def test_write_the_table(check):
        lines = [f"| sampler | {' | '.join(SCHEDULERS)} |", "|---" * (1 + len(SCHEDULERS)) + "|"]
        for sampler in SAMPLERS:
            cells = [in_short(check(sampler, scheduler)) for scheduler in SCHEDULERS]
            lines.append(f"| {sampler} | {' | '.join(cells)} |")
        text = TABLE.read_text() if TABLE.is_file() else ""
        TABLE.write_text(text.split("| sampler |")[0] + "\n".join(lines) + "\n")
