import math

import pytest
import torch

from p2p_attention.attention.rows import Rows
from p2p_attention.source.inversion import Solver, invert
from p2p_attention.source.trajectory import Anchor
from p2p_attention.source.virtual import VirtualAnchor

SPREAD = 0.5


def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """The perfect prediction for pictures of normal pixels with a spread: its ODE is known in closed form."""
    return x * SPREAD**2 / (SPREAD**2 + sigma**2)


def levels(steps: int) -> list[float]:
    return [10.0 * (1 - i / steps) ** 3 for i in range(steps)] + [0.0]


def run(steps: int, iterations: int = 0, solver: Solver = Solver.EXPLICIT, denoise=denoise):
    seen = []
    clean = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    made = invert(denoise, clean, levels(steps), 1e-3, iterations, lambda step, x: seen.append(step), solver)
    return clean, *made, seen


def down(x: torch.Tensor, sigmas: list[float]) -> torch.Tensor:
    for high, low in zip(sigmas[:-1], sigmas[1:], strict=True):  # noqa: RUF007
        x = x + (low - high) * (x - denoise(x, high)) / high
    return x


def test_it_is_euler_on_the_way_up():
    clean, trajectory, _, seen = run(400)
    assert trajectory.points.shape == (401, 2, 3, 4, 4) and torch.equal(trajectory.clean, clean)
    assert trajectory.sigmas == tuple(levels(400)) and seen == list(range(400))
    exact = clean * math.sqrt(SPREAD**2 + 10.0**2) / SPREAD
    assert float((trajectory.start - exact).norm() / exact.norm()) < 0.03


@pytest.mark.parametrize("iterations", [0, 2])
def test_the_round_trip_is_of_first_order_and_its_error_is_foretold(iterations):
    errors = []
    for steps in (40, 80, 160):
        clean, trajectory, estimate, _ = run(steps, iterations)
        errors.append(float((down(trajectory.start, levels(steps)) - clean).norm() / clean.norm()))
        if not iterations:
            assert 0.2 < estimate / errors[-1] < 5
    if iterations:
        assert max(errors) < 0.02
    else:
        assert 1.6 < errors[0] / errors[1] < 2.6 and 1.6 < errors[1] / errors[2] < 2.6


def test_the_anchor_leads_euler_along_the_trajectory():
    clean, trajectory, _, _ = run(6)
    sigmas = levels(6)
    anchor = Anchor(trajectory, Rows(targets=1, pictures=2))
    x = torch.zeros(4, 3, 4, 4, dtype=torch.float64)
    anchor.place(x, sigmas[0])
    for i in range(6):
        torch.testing.assert_close(x[::2], trajectory.points[i])
        predicted = torch.zeros_like(x)
        anchor.lead(predicted, sigmas[i])
        x = x + (sigmas[i + 1] - sigmas[i]) * (x - predicted) / sigmas[i]
        assert not predicted[1::2].any()
    torch.testing.assert_close(x[::2], clean)


def test_between_noise_levels_it_is_a_straight_line():
    _, trajectory, _, _ = run(4)
    sigmas = levels(4)
    anchor = Anchor(trajectory, Rows(targets=0, pictures=2))
    x = torch.zeros(2, 3, 4, 4, dtype=torch.float64)
    anchor.place(x, (sigmas[1] + sigmas[2]) / 2)
    torch.testing.assert_close(x, (trajectory.points[1] + trajectory.points[2]) / 2)


def test_the_implicit_solver_is_more_exact_at_one_call_a_step_and_one_more():
    calls = []

    def counted(x: torch.Tensor, sigma: float) -> torch.Tensor:
        calls.append(sigma)
        return denoise(x, sigma)

    errors = []
    for solver, each in ((Solver.EXPLICIT, 40), (Solver.IMPLICIT, 41)):
        calls.clear()
        clean, trajectory, estimate, _ = run(40, solver=solver, denoise=counted)
        errors.append(float((down(trajectory.start, levels(40)) - clean).norm() / clean.norm()))
        assert len(calls) == each and 0.2 < estimate / errors[-1] < 5
    assert errors[1] < 0.3 * errors[0]


@pytest.mark.parametrize("solver", [*Solver])
@pytest.mark.parametrize("iterations", [0, 1])
def test_aligned_rows_go_the_inversions_own_way_to_the_picture(solver, iterations):
    """Euler, with no row put back: what the model sees is what the inversion asked for, so it answers the same."""
    clean, trajectory, _, _ = run(12, iterations, solver)
    anchor, x = Anchor(trajectory, Rows(targets=0, pictures=2), aligned=True), trajectory.start
    for high, low in zip(trajectory.sigmas[:-1], trajectory.sigmas[1:], strict=True):
        seen, at = anchor.aim(x, high)
        x = x + (low - high) * (seen - denoise(seen, at)) / at
    torch.testing.assert_close(x, clean)


def test_a_virtual_source_is_the_picture_and_its_like_too():
    """Rows whose prediction is the source's stay on it, whatever the model; where it differs by d they end d away."""
    rows, picture, noise = Rows(targets=2), torch.randn(1, 3, 4, 4), torch.randn(1, 3, 4, 4)
    anchor, x = VirtualAnchor(picture, rows), rows.spread(picture + levels(5)[0] * noise)
    for high, low in zip(levels(5)[:-1], levels(5)[1:], strict=True):
        predicted = denoise(x[:1], high).repeat(3, 1, 1, 1)
        predicted[2] += 0.5
        anchor.lead(predicted, high)
        x = x + (low - high) * (x - predicted) / high
    torch.testing.assert_close(x, torch.cat([picture, picture, picture + 0.5]))


def test_steps_that_share_a_call_go_on_in_a_straight_line():
    calls = []

    def counted(x: torch.Tensor, sigma: float) -> torch.Tensor:
        calls.append(sigma)
        return denoise(x, sigma)

    clean = torch.ones(1, 1, 2, 2, dtype=torch.float64)
    made, _ = invert(counted, clean, levels(7), 1e-3, 0, lambda *_: None, steps_per_call=3)
    few, _ = invert(denoise, clean, [made.sigmas[i] for i in (0, 1, 4, 7)], 1e-3, 0, lambda *_: None)
    assert len(calls) == 3
    torch.testing.assert_close(made.points[[0, 1, 4, 7]], few.points)
    torch.testing.assert_close(made.points[2] - made.points[1], (made.at(5.0)[1]) * (made.sigmas[2] - made.sigmas[1]))
