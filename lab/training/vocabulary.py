"""The words that the world uses, as tokens of the hosts' own tokenizers, numbered densely.

A text model here learns embeddings only of tokens that occur; in the exported file every other token has their mean.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from lab.world.scenes import sample_scene
from lab.world.words import prompt

SEEN = 6000


def all_prompts() -> list[str]:
    """Enough prompts of random scenes, and the empty one, that every word occurs."""
    rng = np.random.default_rng(5)
    return ["", *(prompt(sample_scene(rng, two=0.4, held_out=None), rng) for _ in range(SEEN))]


class Vocabulary:
    """Dense numbers for the tokens of one tokenizer. `used` [V] are the tokenizer's own ids, ascending."""

    def __init__(self, tokenize: Callable[[str], list[int]]) -> None:
        self._tokenize = tokenize
        self.used = sorted({token for text in all_prompts() for token in tokenize(text)})
        self._dense = {token: i for i, token in enumerate(self.used)}
        self._known: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.used)

    def index(self, token: int) -> int:
        """The dense number of a tokenizer's id."""
        return self._dense[token]

    def ids(self, text: str) -> list[int]:
        """A prompt as dense numbers."""
        if text not in self._known:
            self._known[text] = [self._dense[token] for token in self._tokenize(text)]
        return self._known[text]

    def used_rows(self, embedding: torch.Tensor) -> torch.Tensor:
        """Of a full embedding [size, C] the rows [V, C] of the tokens that are used."""
        return embedding[torch.tensor(self.used)]

    def whole(self, embedding: torch.Tensor, size: int) -> torch.Tensor:
        """The embedding [V, C] at its places in a full one [size, C], the mean elsewhere."""
        full = embedding.mean(0, keepdim=True).repeat(size, 1)
        full[torch.tensor(self.used)] = embedding
        return full


def clip_vocabulary() -> Vocabulary:
    """Stable Diffusion 1's CLIP tokenizer: 77 tokens, filled up with the end token."""
    import comfy.sd1_clip

    tokenizer = comfy.sd1_clip.SDTokenizer()
    return Vocabulary(lambda text: [token for token, _ in tokenizer.tokenize_with_weights(text)[0]])


def t5_vocabulary() -> Vocabulary:
    """The T5 tokenizer as the host uses it for Chroma: no padding, the end token last."""
    import comfy.text_encoders.pixart_t5

    tokenizer = comfy.text_encoders.pixart_t5.T5XXLTokenizer()
    return Vocabulary(lambda text: [token for token, _ in tokenizer.tokenize_with_weights(text)[0]])
