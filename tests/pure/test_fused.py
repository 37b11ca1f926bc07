import torch
from hypothesis import given
from hypothesis import strategies as st

from p2p_attention.attention.fused import edited_rows, edited_values, fold
from p2p_attention.attention.rows import CallRows
from p2p_attention.attention.terms import Terms

WIDTH, DEPTH, PIXELS, TOKENS = 8, 6, 10, 7


def attend(q, k, v):
    return torch.softmax(q @ k.transpose(-1, -2) / WIDTH**0.5, dim=-1) @ v


@given(st.integers(0, 10_000), st.sampled_from([1, 2]), st.lists(st.booleans(), min_size=1, max_size=3))
def test_fused_equals_the_edited_maps(seed, repeats, second_terms):
    """out = (M_s W diag(a) + M_t diag(b)) V_t through an output projection with a bias, row by row."""
    torch.manual_seed(seed)
    to_q, to_k, to_v = (torch.randn(d, WIDTH, dtype=torch.float64) for d in (WIDTH, DEPTH, DEPTH))
    to_out, bias = torch.randn(WIDTH, WIDTH, dtype=torch.float64), torch.randn(WIDTH, dtype=torch.float64)
    targets = len(second_terms)
    rows = 2 * (1 + targets)
    batch = CallRows(rows, (1 + targets,) * targets, tuple(range(2 + targets, rows)))
    n = torch.randn(rows, PIXELS, WIDTH, dtype=torch.float64)
    context = torch.randn(rows, TOKENS, DEPTH, dtype=torch.float64).repeat(1, repeats, 1)
    terms = [
        Terms(
            torch.randn(TOKENS, TOKENS, dtype=torch.float64),
            torch.randn(TOKENS, dtype=torch.float64) if second else None,
        )
        for second in second_terms
    ]

    rows_used, folds = edited_rows(batch, terms)
    used = list(rows_used)
    q, k, v = (n @ to_q)[used], (context @ to_k)[used], edited_values(context @ to_v, batch, terms)
    torch.testing.assert_close(v, edited_values(context, batch, terms) @ to_v, rtol=1e-9, atol=1e-9)
    output = fold(attend(q, k, v), folds) @ to_out + bias

    maps = torch.softmax((n @ to_q) @ (context @ to_k).transpose(-1, -2) / WIDTH**0.5, dim=-1)
    maps = maps.view(rows, PIXELS, repeats, TOKENS).sum(2)
    edited = maps.clone()
    for target, source, term in zip(batch.targets, batch.sources, terms, strict=True):
        edited[target] = maps[source] @ term.first
        if term.second is not None:
            edited[target] += maps[target] * term.second
    expected = edited @ (context[:, :TOKENS] @ to_v) @ to_out + bias
    assert output.shape == expected.shape
    torch.testing.assert_close(output, expected, rtol=1e-9, atol=1e-9)


def test_input_is_left_as_it_was():
    context = torch.randn(2, TOKENS, DEPTH)
    before = context.clone()
    terms = [Terms(torch.zeros(TOKENS, TOKENS), torch.ones(TOKENS))]
    edited_values(context, CallRows(2, (0,), (1,)), terms)
    assert torch.equal(context, before)
