import math

import pytest
import torch

from p2p_attention.attention.rows import Rows
from p2p_attention.source.inversion import invert
from p2p_attention.source.trajectory import Anchor, Trajectory

SPREAD = 0.5


def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """The perfect prediction for pictures of normal pixels with a spread: its ODE is known in closed form."""
    return x * SPREAD**2 / (SPREAD**2 + sigma**2)


def levels(steps: int) -> list[float]:
    return [10.0 * (1 - i / steps) ** 3 for i in range(steps)] + [0.0]


def run(steps: int, iterations: int = 0):
    seen = []
    clean = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    made = invert(denoise, clean, levels(steps), 1e-3, iterations, lambda step, x: seen.append(step))
    return clean, *made, seen


def down(x: torch.Tensor, sigmas: list[float]) -> torch.Tensor:
    for high, low in zip(sigmas[:-1], sigmas[1:], strict=True):  # noqa: RUF007
        x = x + (low - high) * (x - denoise(x, high)) / high
    return x


def test_it_is_euler_on_the_way_up():
    clean, trajectory, _, seen = run(400)
    assert trajectory.shape == (401, 2, 3, 4, 4) and torch.equal(trajectory[-1], clean) and seen == list(range(400))
    exact = clean * math.sqrt(SPREAD**2 + 10.0**2) / SPREAD
    assert float((trajectory[0] - exact).norm() / exact.norm()) < 0.03


@pytest.mark.parametrize("iterations", [0, 2])
def test_the_round_trip_is_of_first_order_and_its_error_is_foretold(iterations):
    errors = []
    for steps in (40, 80, 160):
        clean, trajectory, estimate, _ = run(steps, iterations)
        errors.append(float((down(trajectory[0], levels(steps)) - clean).norm() / clean.norm()))
        if not iterations:
            assert 0.2 < estimate / errors[-1] < 5
    if iterations:
        assert max(errors) < 0.02
    else:
        assert 1.6 < errors[0] / errors[1] < 2.6 and 1.6 < errors[1] / errors[2] < 2.6


def test_the_anchor_leads_euler_along_the_trajectory():
    clean, trajectory, _, _ = run(6)
    sigmas = levels(6)
    anchor = Anchor(Trajectory(tuple(sigmas), trajectory), Rows(targets=1, pictures=2))
    x = torch.zeros(4, 3, 4, 4, dtype=torch.float64)
    anchor.place(x, sigmas[0])
    for i in range(6):
        torch.testing.assert_close(x[::2], trajectory[i])
        predicted = torch.zeros_like(x)
        anchor.lead(predicted, sigmas[i])
        x = x + (sigmas[i + 1] - sigmas[i]) * (x - predicted) / sigmas[i]
        assert not predicted[1::2].any()
    torch.testing.assert_close(x[::2], clean)


def test_between_noise_levels_it_is_a_straight_line():
    _, trajectory, _, _ = run(4)
    sigmas = levels(4)
    anchor = Anchor(Trajectory(tuple(sigmas), trajectory), Rows(targets=0, pictures=2))
    x = torch.zeros(2, 3, 4, 4, dtype=torch.float64)
    anchor.place(x, (sigmas[1] + sigmas[2]) / 2)
    torch.testing.assert_close(x, (trajectory[1] + trajectory[2]) / 2)
