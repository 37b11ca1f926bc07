"""The bench of real pictures in small: what the methods promise of the source, and what each run costs."""

from argparse import Namespace

import pytest

from lab.bench.edits import KINDS, known_edits
from lab.bench.inversion import Bench, measure, strip
from lab.bench.inversion_report import add, errors, means, tables
from lab.bench.inversion_ways import FEW, GUIDANCE, MASKED

STEPS = 2
KEPT = ("direct", "aligned", "virtual")
OF_THE_VAE = 28  # dB that its pictures keep at least


@pytest.fixture(scope="module")
def bench(part):
    from lab.bench.demo import demo_sampler

    return Bench(demo_sampler(Namespace(model="unet", weights=None), STEPS, GUIDANCE[-1]))


def test_the_figures_of_one_edit(bench):
    figures = measure(bench, known_edits("colour", 1)[0], timed=True, guidance=(MASKED,))
    calls = [1, 1, 1, 2, 2, 4, 2.5, 2, 2, 1.5, 1.5, 2.5, 2, 2, 2, 2, 2, *[FEW / STEPS] * 3]
    ways = figures[f"{MASKED:g}"]
    assert list(ways) == [way.name for way in bench.ways]
    assert all(there["time"] > 0 for there in ways.values())
    kept = {name: there["reconstruction"] for name, there in ways.items() if name.startswith(KEPT)}
    assert all(figure > OF_THE_VAE for figure in kept.values()), kept
    assert all(there["over_direct"] == there["kept"] - ways["direct"]["kept"] for there in ways.values())
    assert [there["calls"] / STEPS for there in ways.values()] == calls
    masked = {name for name, there in ways.items() if "equal_kept" in there}
    assert {"direct", "aligned", "virtual, 8 steps of lcm"} <= masked
    held = {name: ways[name] for name in masked if name.startswith(KEPT)}
    assert all(figure["equal_kept"] >= figure["kept"] for figure in held.values()), held
    once = add({}, {f"{cfg:g}": ways for cfg in GUIDANCE})
    rows = tables(dict.fromkeys(KINDS, once), bench.ways).splitlines()
    assert sum(row.startswith("| 7.5 |") for row in rows) == len(bench.ways)


def test_figures_of_more_edits_are_means():
    kind = add(add({}, {"4": {"direct": {"kept": 20.0, "time": 1.5}}}), {"4": {"direct": {"kept": 30.0}}})
    assert kind["edits"] == 2
    assert means(kind) == {"4": {"direct": {"kept": 25.0, "time": 1.5}}}
    assert errors(kind)["4"]["direct"]["kept"] == 5.0**2  # of 20 and 30


def test_a_strip_has_the_picture_each_way_and_the_right_edit(bench, monkeypatch):
    monkeypatch.setattr(bench, "ways", [way for way in bench.ways if not way.variant])
    edit = known_edits("thing", 1)[0]
    pictures = strip(bench, edit)
    assert [picture.shape for picture in pictures] == [(128, 128, 3)] * (len(bench.ways) + 2)
    assert (pictures[0] == edit.pictures()[0]).all()
