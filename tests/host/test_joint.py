"""Joint attention by itself: an interrupt is heard within a call of the model."""

import comfy.model_management
import pytest

from lab.random_transformers import JOINT

from .family import SOURCE, STEPS, SWAPPED, family_of
from .graph import control, encode, prompt, sample, swap


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
