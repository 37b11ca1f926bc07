"""The store of sources: what is found in it, and what it drops."""

import gc
import weakref
from fractions import Fraction

import pytest
import torch

from p2p_attention.attention.rows import Rows
from p2p_attention.source.cache import Asked, Need, SourceCache
from p2p_attention.source.shelf import Entry, Shelf

QUARTER, HALF = Fraction(1, 4), Fraction(1, 2)


class Model:
    """Stands for a model, which is only asked whether it is the same one."""


@pytest.fixture
def cache():
    return SourceCache()


def record(cache, model, latent, budget=10_000, size=100, sigma=1.0):
    """A recording of one call with one attention's input of so many bytes."""
    shelf, entry = Shelf(model, cache, budget), Entry(Asked(sigma, "model", "prompt"), latent)
    shelf.store(entry, "layer", torch.zeros(1, size // 4))
    shelf.add(entry, latent, Need(cross=True))
    shelf.keep()
    return shelf


def test_needs():
    assert not Need() and Need(True) and Need(within=QUARTER)
    assert Need(True, HALF).covers(Need(True, QUARTER)) and Need(True, HALF).covers(Need())
    assert not Need(True, QUARTER).covers(Need(within=HALF)) and not Need(within=HALF).covers(Need(cross=True))
    assert Need(True) | Need(within=QUARTER) == Need(True, QUARTER)


def test_a_source_is_found_by_what_the_model_gets(cache):
    model, latent = Model(), torch.randn(1, 4, 2, 2)
    record(cache, model, latent)
    asked = Asked(1.0, "model", "prompt")
    assert cache.find(model, asked, latent).has == Need(cross=True)
    assert cache.find(model, asked, latent + 1e-7) and not cache.find(model, asked, latent + 1e-2)
    assert not cache.find(Model(), asked, latent)
    for other, why in (
        (Asked(1.0, "LoRA", "prompt"), "the model"),
        (Asked(2.0, "model", "prompt"), "the noise level"),
        (Asked(1.0, "model", "words"), "the conditioning"),
        (asked, "the latent"),
    ):
        assert other == asked or not cache.find(model, other, latent)
        assert cache.differs(model, other).startswith(why)
    assert cache.differs(Model(), asked) == ""


def test_what_is_of_the_same_call_is_joined(cache):
    model, latent = Model(), torch.randn(1, 4, 2, 2)
    record(cache, model, latent)
    held = cache.bytes
    record(cache, model, latent)
    assert len(cache) == 1 and cache.bytes == held


def test_the_oldest_makes_room_and_the_budget_holds(cache):
    model, latents = Model(), torch.randn(5, 1, 4, 2, 2)
    for latent in latents:
        assert not record(cache, model, latent, budget=600).missed
        assert cache.bytes <= 600
    found = [cache.find(model, Asked(1.0, "model", "prompt"), latent) is not None for latent in latents]
    assert found == [False, False, False, True, True]
    shelf = record(cache, model, torch.randn(1, 4, 2, 2), budget=300, size=1000)
    assert shelf.missed == shelf.needed == 1000 and "fit into" in str(shelf)
    assert cache.bytes <= 300


def test_it_goes_with_its_model(cache):
    model = Model()
    record(cache, model, torch.randn(1, 4, 2, 2))
    cache.forget(Model())
    assert cache.bytes
    del model
    gc.collect()
    assert cache.bytes == 0 and len(cache) == 0


def test_it_goes_at_once(cache):
    """Not when the store is asked next, which may be never."""
    model = Model()
    record(cache, model, torch.randn(1, 4, 2, 2))
    held = weakref.ref(next(iter(cache._recordings)))
    del model
    gc.collect()
    assert held() is None


def test_rows_that_are_left_out():
    """Two pictures of two targets, a prompt that holds the pair after one that does not."""
    rows = Rows(2, 2)
    whole = rows.in_call(2, [1])
    assert whole.total == 12 and whole.absent == 0 and whole.sources == (6, 6, 9, 9)
    without = rows.in_call(2, [1], {0, 3, 6, 9})
    assert without.total == 8 and without.absent == 2 and without.given == 10
    assert without.targets == (4, 5, 6, 7) and without.sources == (8, 8, 9, 9)
    assert without.chunks == ((8, 4, 5, 9, 6, 7),)
    lopsided = rows.in_call(2, [1], {0, 3})
    assert lopsided.total == 10 and lopsided.absent == 0
    assert lopsided.sources == (4, 4, 7, 7) and lopsided.targets == (5, 6, 8, 9)
