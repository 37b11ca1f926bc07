"""E6 of transformers: source and target, without guidance, against the same run with every map built and edited."""

from __future__ import annotations

from collections.abc import Callable

import torch

from .family import Family
from .graph import Latent, Pair, control, prompt, rows, sample

STEPS, LIMIT = 20, 1e-5


def levels(model, end: float) -> tuple[float, float]:
    """The window from 0.0 to `end` in noise levels, the higher first."""
    to_sigma = model.get_model_object("model_sampling").percent_to_sigma
    return to_sigma(0.0), to_sigma(end)


def compare(
    family: Family,
    pair: Pair,
    edit,
    self_end: float,
    override: Callable[..., torch.Tensor],
    least: float = 0.0,
    host=None,
) -> None:
    """The source is the plain run's, the target that of `override`, and the edit changes it by more than `least`.

    The plain run and the one with `override` are of `host`, a MODEL, or else of the family's.
    """
    _, model, clip, latent = family
    reference, both = (host or model).clone(), rows(latent, 2)

    def run(model, latent: Latent) -> torch.Tensor:
        return sample(model, pair.positive, prompt(clip), latent, steps=STEPS, cfg=1.0)

    made = run(*control(model, edit, latent, self_end=self_end))
    plain = run(reference, both)
    reference.model_options["transformer_options"]["optimized_attention_override"] = override
    expected = run(reference, both)
    error, acts = (float((made[1] - other[1]).norm() / other[1].norm()) for other in (expected, plain))
    print(f"{family.name}: error {error:.1e}, edit {acts:.1e}")
    assert torch.equal(made[0], plain[0]) and acts > least
    assert error <= LIMIT
