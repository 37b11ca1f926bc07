import math
from fractions import Fraction

import torch
from hypothesis import given
from hypothesis import strategies as st

from p2p_attention.attention.fused import edited_values
from p2p_attention.attention.indices import Indices
from p2p_attention.attention.phase import Phase
from p2p_attention.attention.renormalise import renormalised
from p2p_attention.attention.rows import CallRows
from p2p_attention.attention.site import Attends, AttentionCall, AttentionSite
from p2p_attention.attention.terms import Terms
from p2p_attention.attention.word_maps import WordMap, WordMaps, word_probe
from p2p_attention.host.backbones.pyramid import Pyramid

HEADS, WIDTH, TOKENS, GRID = 2, 3, 7, (2, 5)
PIXELS, WHOLE = GRID[0] * GRID[1], Fraction(1)


def prepared(rows, terms, like):
    """What a phase with these terms of each target makes for a call's rows."""
    return Phase(terms, TOKENS, True, False, Indices()).prepared(rows, like)


def attend(q, k, v):
    q, k, v = (x.view(*x.shape[:2], HEADS, WIDTH).transpose(1, 2) for x in (q, k, v))
    maps = torch.softmax(q @ k.transpose(-1, -2), dim=-1)
    return (maps @ v).transpose(1, 2).flatten(2)


def edited_maps(n, context, batch, terms):
    """Every row's edited map [R, heads, N, T], written out."""
    q, k = (x.view(*x.shape[:2], HEADS, WIDTH).transpose(1, 2) for x in (n, context))
    maps = torch.softmax(q @ k.transpose(-1, -2), dim=-1)
    repeats = maps.shape[-1] // TOKENS
    maps = maps.view(*maps.shape[:3], repeats, TOKENS).sum(dim=-2)
    edited = maps.clone()
    for source, target, term in zip(batch.sources, batch.targets, terms, strict=True):
        if term.first is not None:
            edited[target] = maps[source] @ term.first
            if term.second is not None:
                edited[target] += maps[target] * term.second
        elif term.second is not None:
            edited[target] = maps[target] * term.second
    return edited


KINDS = st.lists(st.sampled_from(["", "1", "2", "12"]), min_size=2, max_size=2)


@given(st.integers(0, 10_000), st.sampled_from([1, 2]), KINDS)
def test_a_words_share_is_its_columns_sum(seed, repeats, kinds):
    """Over two chunks of one source and two targets, for terms of every kind, with strengths above nothing."""
    torch.manual_seed(seed)
    n, context = torch.randn(6, PIXELS, HEADS * WIDTH).double(), torch.randn(6, TOKENS, HEADS * WIDTH).double()
    context = context.repeat(1, repeats, 1)
    each = [
        Terms(
            torch.rand(TOKENS, TOKENS).double() if "1" in kind else None,
            torch.rand(TOKENS).double() if "2" in kind else None,
            renormalise="1" in kind,
        )
        for kind in kinds
    ]
    batch, terms = CallRows(6, (0, 0, 3, 3), (1, 2, 4, 5), ((0, 1, 2), (3, 4, 5))), each * 2
    made = prepared(batch, each, context)
    q, k = n[list(made.used)], context[list(made.used)]
    maps = edited_maps(n, context, batch, terms)

    wanted = [WordMap(0, (1, 2), WHOLE), WordMap(1, (3,), WHOLE), WordMap(2, (0, 6), WHOLE)]
    seen = word_probe(made, wanted, context).read(attend, q, k, HEADS)
    for number, one in enumerate(wanted):
        expected = sum(maps[start + one.row][..., list(one.positions)].sum(dim=-1) for start in (0, 3))
        torch.testing.assert_close(seen[..., number].transpose(0, 1), expected)

    call = AttentionCall(AttentionSite(Attends.CROSS, GRID, GRID), batch, Phase(each, TOKENS, True, False, Indices()))
    word_maps = WordMaps([WordMap(1, (3,), WHOLE)], Pyramid(math.ceil))
    output = attend(q, k, edited_values(context, batch, terms))
    for layer in word_maps.read(call, made, attend, q, k, HEADS):
        word_maps.add(layer, q.device)
    divided = renormalised(made, attend, q, k, HEADS, output.clone())
    heat = word_maps.sums[WordMap(1, (3,), WHOLE)]
    assert heat.shape == GRID
    torch.testing.assert_close(heat.flatten().double(), seen[..., 1].mean(dim=1), rtol=1e-5, atol=1e-6)
    sums = maps.sum(dim=-1)
    for target, term in zip(batch.targets, terms, strict=True):
        expected = output[target].view(PIXELS, HEADS, WIDTH)
        expected = expected / sums[target].transpose(0, 1)[..., None] if term.renormalise else expected
        torch.testing.assert_close(divided[target].view(PIXELS, HEADS, WIDTH), expected)


def test_an_attention_that_gives_nan_for_columns_of_zeros():
    """As SageAttention does where it stores values in 8 bits."""
    torch.manual_seed(0)
    q, k = torch.randn(2, PIXELS, HEADS * WIDTH), torch.randn(2, TOKENS, HEADS * WIDTH)
    wanted = [WordMap(0, (1,), WHOLE), WordMap(1, (2,), WHOLE)]
    probe = word_probe(prepared(CallRows(2, (0,), (1,), ((0, 1),)), [Terms(None, None)], q), wanted, q)

    def quantised(q, k, v):
        return attend(q, k, v).masked_fill((v == 0).all(dim=1, keepdim=True), torch.nan)

    assert torch.equal(probe.read(quantised, q, k, HEADS), probe.read(attend, q, k, HEADS))


def test_more_words_than_a_head_is_wide():
    torch.manual_seed(0)
    q, k = torch.randn(2, PIXELS, HEADS * WIDTH), torch.randn(2, TOKENS, HEADS * WIDTH)
    wanted = [WordMap(0, (position,), WHOLE) for position in range(TOKENS)]
    probe = word_probe(prepared(CallRows(2, (0,), (1,), ((0, 1),)), [Terms(None, None)], q), wanted, q)
    torch.testing.assert_close(probe.read(attend, q, k, HEADS).sum(dim=-1), torch.ones(PIXELS, HEADS))
