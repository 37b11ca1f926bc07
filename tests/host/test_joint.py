"""Joint attention by itself: an interrupt is heard within a call of the model; a negative of zeros has no fill."""

import comfy.model_management
import nodes
import pytest
import torch

from lab.random_transformers import JOINT

from .family import SOURCE, STEPS, SWAPPED, family_of
from .graph import control, encode, prompt, rows, sample, swap


@pytest.mark.parametrize("name", JOINT)
def test_an_interrupt_is_heard_within_a_call(name):
    """In the next attention after it."""
    _, model, clip, latent = family_of(name)
    seen = []

    def interrupting(function, *args, **kwargs):
        seen.append(kwargs)
        comfy.model_management.interrupt_current_processing()
        return function(*args, **kwargs)

    pair, clone = encode(clip, SOURCE, SWAPPED), model.clone()
    clone.model_options["transformer_options"]["optimized_attention_override"] = interrupting
    controlled = control(clone, swap(pair.edit), latent)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        sample(controlled.model, pair.positive, prompt(clip), controlled.latent, steps=STEPS)
    assert len(seen) <= 3  # of an edited call up to three: the rows', their text's, and what is added


@pytest.mark.parametrize("name", [name for name in ("zimage", "krea2") if name in JOINT])
def test_no_edit_beside_a_negative_of_zeros(name):
    """Conditioning Zero Out's tokens are the host's, not what shorter prompts are filled up with."""
    family = family_of(name)
    pair = encode(family.clip, SOURCE, SOURCE.replace("cat", "dog"))
    negative = nodes.ConditioningZeroOut().zero_out(prompt(family.clip))[0]
    controlled = control(family.model, pair.edit, family.latent, self_end=0.0)
    made = sample(controlled.model, pair.positive, negative, controlled.latent, steps=STEPS)
    assert torch.equal(made, sample(family.model, pair.positive, negative, rows(family.latent, 2), steps=STEPS))
