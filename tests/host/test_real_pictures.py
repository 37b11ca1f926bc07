"""The bench of real pictures in small: what the methods promise of the source, and what each run costs."""

from fractions import Fraction

import pytest

from lab.bench.edits import KINDS, known_edits
from lab.bench.inversion import FEW, GUIDANCE, MASKED, WAYS, Bench, measure, strip, table

STEPS = 4
KEPT = ("direct", "aligned", "virtual")


@pytest.fixture(scope="module")
def bench(demo):
    from lab.bench.sampler import Sampler

    return Bench(Sampler(*demo, (32, 32), Fraction(1, 2), Fraction(1, 4), STEPS, GUIDANCE[-1]))


def test_the_figures_of_one_edit(bench):
    figures = measure(bench, known_edits("colour", 1, 1))
    calls = [1, 1, 2, 2, 4, 2.25, 2, 2, 1.5, 1.5, 2.25, 2, 2, 2, *[FEW / STEPS] * 3]
    strongest = figures[f"{GUIDANCE[-1]:g}"]
    for cfg in GUIDANCE:
        ways = figures[f"{cfg:g}"]
        assert list(ways) == [way.name for way in WAYS]
        assert all(there["time"] > 0 for there in ways.values())
        assert all(there["reconstruction"] > 50 for name, there in ways.items() if name.startswith(KEPT)), ways
        assert ways["direct, local blend by the thing's name"]["kept"] > ways["direct"]["kept"]
        assert [there["calls"] / STEPS for there in ways.values()] == calls
    assert strongest["negative prompt"]["reconstruction"] > strongest["DDIM"]["reconstruction"]
    assert strongest["same seed, no inversion"]["reconstruction"] < strongest["DDIM"]["reconstruction"]
    masked = {name for name, there in figures[f"{MASKED:g}"].items() if "equal_kept" in there}
    assert {"direct", "aligned", "virtual, 8 steps of lcm"} <= masked
    assert all(figures[f"{MASKED:g}"][name]["equal_kept"] > 40 for name in masked if name.startswith(KEPT))
    rows = table(dict.fromkeys(KINDS, figures)).splitlines()
    assert sum(row.startswith("| 7.5 |") for row in rows) == len(WAYS)


def test_a_strip_has_the_picture_each_way_and_the_right_edit(bench):
    edit = known_edits("shape", 1, 2)[0]
    pictures = strip(bench, edit)
    assert [picture.shape for picture in pictures] == [(32, 32, 3)] * (len(WAYS) + 2)
    assert (pictures[0] == edit.pictures(edit.before)[0]).all()
