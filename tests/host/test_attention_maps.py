"""Watch Words and Attention Maps: which maps come out, of which run, and at what cost to others."""

import nodes
import pytest
import torch

from lab.discs import render, scenes

from .graph import control, empty, encode, invert, ksampler, node, prompt, swap, watch

SOURCE, TARGET = "a red circle on a blue background", "a red circle on a green background"


@pytest.fixture
def graph(demo):
    """(model, positive, latent) of a swap whose words are watched."""

    def build(words, latent=None, resolution="1/2"):
        positive, edit = encode(demo.clip, SOURCE, TARGET)
        edit = swap(edit, end=0.8)
        if words is not None:
            edit = watch(edit, words, resolution=resolution)
        model, batch = control(demo.model, edit, latent or empty((3, 32, 24)), self_end=0.4, resolution="1/2")
        return model, positive, batch

    return build


@pytest.fixture
def run(graph, demo):
    def sampled(words, seed=7, **options):
        model, positive, batch = graph(words, **options)
        return ksampler(model, positive, prompt(demo.clip), batch, seed=seed)

    return sampled


def maps(samples, over=True, label=True):
    images = samples["samples"].movedim(1, -1) / 2 + 0.5
    return node("P2P_AttentionMaps", samples=samples, images=images, over_the_picture=over, label=label)


def test_chosen_words_of_each_prompt_that_has_them(run):
    pictures, masks = maps(run("circle, blue, green"))
    assert masks.shape == (4, 32, 24), "circle and blue of the source, circle and green of the target"
    assert pictures.shape == (4, 46, 24, 3), "with a line of text below"
    assert float(masks.amin()) >= 0 and torch.equal(masks.amax(dim=(1, 2)), torch.ones(4))
    plain, _ = maps(run("circle, blue, green"), over=False, label=False)
    assert plain.shape == (4, 32, 24, 3) and not torch.equal(plain, pictures[:, :32])


def test_all_words(run):
    _, masks = maps(run(""))
    assert masks.shape[0] == 2 * len(SOURCE.split())


def test_a_batch_of_pictures(run):
    _, masks = maps(run("circle", latent={"samples": torch.zeros(3, 3, 32, 24)}))
    assert masks.shape[0] == 6 and not torch.equal(masks[0], masks[2])


def test_watching_changes_no_picture(run):
    assert torch.equal(run("")["samples"], run(None)["samples"])


def test_each_run_has_its_own_maps(graph, demo):
    model, positive, batch = graph("circle")
    runs = [ksampler(model, positive, prompt(demo.clip), batch, seed=seed) for seed in (1, 2)]
    first, second = (maps(made)[1] for made in runs)
    assert not torch.equal(first, second)
    again = ksampler(model, positive, prompt(demo.clip), batch, seed=1)
    assert torch.equal(maps(again)[1], first)


def test_mistakes(graph, run):
    with pytest.raises(ValueError, match="P2P Watch Words: 'cat' does not occur in any of the prompts"):
        graph("circle, cat")
    with pytest.raises(ValueError, match="P2P Attention Maps: these samples are not those of a run with watched"):
        maps(run(None))
    made = run("circle")
    with pytest.raises(ValueError, match="P2P Attention Maps: there are 1 pictures for a run of 2"):
        node("P2P_AttentionMaps", samples=made, images=torch.zeros(1, 32, 24, 3), over_the_picture=True, label=True)
    with pytest.raises(RuntimeError, match="P2P Watch Words: .* none is 1/8 of"):
        run("circle", resolution="1/8")


def test_a_picture_not_made_here(demo):
    """From its inversion: the circle's map is on the circle that the renderer drew."""
    scene = scenes.Scene((scenes.Thing("red", "circle", x=0.35, y=0.6, radius=0.25),), "blue")
    drawn = torch.from_numpy(render.render(scene, 32))[None]
    latent = nodes.VAEEncode().encode(demo.vae, drawn)[0]
    positive, edit = encode(demo.clip, SOURCE, TARGET)
    edit = watch(edit, "circle", resolution="1/2")
    inversion, _, _ = invert(demo.model, positive, latent, 10, "normal")
    model, batch = control(demo.model, edit, latent, inversion=inversion, self_end=0.4, resolution="1/2")
    made = ksampler(model, positive, prompt(demo.clip), batch, steps=10)
    heat = maps(made)[1][0]
    circle = torch.from_numpy(render.coverage(scene.things[0], 32)) > 0.5
    assert float(heat[circle].mean()) > 1.5 * float(heat[~circle].mean())


def test_a_cached_run_is_found_after_many_others(graph, demo):
    model, positive, batch = graph("circle")
    made = [ksampler(model, positive, prompt(demo.clip), batch, seed=seed, steps=1) for seed in range(9)]
    first = maps(made[0])[1]
    assert first.shape[0] == 2 and not torch.equal(first, maps(made[-1])[1])


def test_without_room_the_last_runs_of_a_controller_are_kept_and_it_says_so(graph, demo, part, monkeypatch):
    monkeypatch.setattr(part("p2p_attention.run.record"), "MOST_BYTES", 0)
    model, positive, batch = graph("circle")
    made = [ksampler(model, positive, prompt(demo.clip), batch, seed=seed, steps=2) for seed in range(5)]
    assert maps(made[-1])[1].shape[0] == 2
    with pytest.raises(ValueError, match="P2P Attention Maps: .* none of the last 4 .* Change the sampler's seed"):
        maps(made[0])
