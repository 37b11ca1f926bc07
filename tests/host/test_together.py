"""Several edits and plain runs on one model: none sees the others, and nothing of a run stays behind."""

import gc
import weakref

import pytest
import torch

from .graph import control, empty, encode, prompt, rows, sample, swap, watch

SOURCE = "a red circle on a blue background"
TARGETS = ("a red square on a blue background", "a red circle on a green background")
SHAPE, STEPS = (3, 16, 16), 4


@pytest.fixture
def edited(demo):
    """(patched model, positive, latent, edit) for a target."""

    def build(target, self_end=0.4):
        positive, edit = encode(demo.clip, SOURCE, target)
        edit = swap(edit, end=0.8)
        edit = watch(edit, "red", resolution="1/2")
        model, latent = control(demo.model, edit, empty(SHAPE), self_end=self_end, resolution="1/2")
        return model, positive, latent, edit

    return build


@pytest.fixture
def run(demo):
    def sampled(graph, seed=7):
        return sample(graph[0], graph[1], prompt(demo.clip), graph[2], seed=seed, steps=STEPS)

    return sampled


@pytest.fixture
def plain(demo, edited):
    positive = edited(TARGETS[0])[1]

    def sampled(model=None):
        return sample(model or demo.model, positive, prompt(demo.clip), rows(empty(SHAPE), 2), steps=STEPS)

    return sampled


def test_two_edits_and_plain_runs_in_turn(edited, run, plain):
    graphs = [edited(target) for target in TARGETS]
    alone = [run(graph) for graph in graphs]
    unedited = plain()
    assert not torch.equal(alone[0][1], alone[1][1])
    for _ in range(2):
        for graph, expected in zip(graphs, alone, strict=True):
            assert torch.equal(run(graph), expected)
            assert torch.equal(plain(), unedited)


def test_one_controller_feeds_two_samplers(edited, run):
    graph = edited(TARGETS[0])
    first, other = run(graph, seed=1), run(graph, seed=2)
    assert not torch.equal(first, other)
    assert torch.equal(run(graph, seed=1), first) and torch.equal(run(graph, seed=2), other)


def test_two_controllers_in_a_chain_are_refused(edited):
    model, _, latent, edit = edited(TARGETS[0])
    with pytest.raises(ValueError, match="this model already comes from an Attention Controller"):
        control(model, edit, latent, self_end=0.4)


def test_nothing_of_a_run_stays_behind(edited, run, demo):
    """No tensor, no hook: after the graph's own objects are gone, what the process holds is what it held before."""
    run(edited(TARGETS[0]))
    before, hooks = tensors(), hook_count(demo.model)
    for target in TARGETS:
        graph = edited(target)
        alive = weakref.ref(graph[0])
        run(graph)
        assert hook_count(graph[0]) == hooks + 7
        del graph
        gc.collect()
        assert alive() is None, "the patched clone goes with the graph"
    assert tensors() <= before
    assert hook_count(demo.model) == hooks


def test_a_run_does_not_wait_for_the_garbage_collector(edited, run, part):
    """Its tensors are on the GPU, where there is one."""
    graph, kind = edited(TARGETS[0]), part("p2p_attention.run.run").Run
    gc.collect()
    gc.disable()
    try:
        run(graph)
        assert not any(type(thing) is kind for thing in gc.get_objects())
    finally:
        gc.enable()


def test_runs_of_one_graph_do_not_pile_up(edited, run, part, monkeypatch):
    monkeypatch.setattr(part("p2p_attention.run.record"), "MOST_BYTES", 0)
    graph = edited(TARGETS[0])
    for seed in range(6):
        run(graph, seed=seed)
    before, hooks = tensors(), hook_count(graph[0])
    for seed in range(6, 12):
        run(graph, seed=seed)
    assert tensors() <= before and hook_count(graph[0]) == hooks


def tensors() -> int:
    """Numbers held in tensors that the garbage collector knows."""
    gc.collect()
    return sum(thing.numel() for thing in gc.get_objects() if type(thing) is torch.Tensor)


def hook_count(model) -> int:
    """Patches and wrappers of a model."""
    options = model.model_options["transformer_options"]
    patches = sum(len(entries) for entries in options.get("patches", {}).values())
    wrappers = sum(len(entries) for kind in model.wrappers.values() for entries in kind.values())
    return patches + wrappers
