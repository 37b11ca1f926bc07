"""Watch Words and Attention Maps: which maps come out, of which run, and at what cost to others."""

import nodes
import pytest
import torch

from lab.discs import render, scenes

from .sampling import empty, negative, sample

SOURCE, TARGET = "a red circle on a blue background", "a red circle on a green background"


@pytest.fixture
def graph(node, demo):
    """(model, positive, latent) of a swap whose words are watched."""

    def build(words, latent=None, resolution="1/2"):
        positive, edit = node("P2P_EncodePromptPair", clip=demo[1], source_prompt=SOURCE, target_prompt=TARGET)
        (edit,) = node("P2P_WordSwap", edit=edit, start_percent=0.0, end_percent=0.8)
        if words is not None:
            (edit,) = node("P2P_WatchWords", edit=edit, words=words, map_resolution=resolution)
        windows = {"self_start_percent": 0.0, "self_end_percent": 0.4, "self_resolution": "1/2"}
        model, batch = node(
            "P2P_AttentionController", model=demo[0], edit=edit, latent=latent or empty((3, 32, 24)), **windows
        )
        return model, positive, batch

    return build


@pytest.fixture
def run(graph, demo):
    def sampled(words, seed=7, **options):
        model, positive, batch = graph(words, **options)
        return {**batch, "samples": sample(model, positive, negative(demo[1]), batch, seed=seed)}

    return sampled


def maps(node, samples, over=True, label=True):
    images = samples["samples"].movedim(1, -1) / 2 + 0.5
    return node("P2P_AttentionMaps", samples=samples, images=images, over_the_picture=over, label=label)


def test_chosen_words_of_each_prompt_that_has_them(run, node):
    pictures, masks = maps(node, run("circle, blue, green"))
    assert masks.shape == (4, 32, 24), "circle and blue of the source, circle and green of the target"
    assert pictures.shape == (4, 46, 24, 3), "with a line of text below"
    assert float(masks.amin()) >= 0 and torch.equal(masks.amax(dim=(1, 2)), torch.ones(4))
    plain, _ = maps(node, run("circle, blue, green"), over=False, label=False)
    assert plain.shape == (4, 32, 24, 3) and not torch.equal(plain, pictures[:, :32])


def test_all_words(run, node):
    _, masks = maps(node, run(""))
    assert masks.shape[0] == 2 * len(SOURCE.split())


def test_a_batch_of_pictures(run, node):
    _, masks = maps(node, run("circle", latent={"samples": torch.zeros(3, 3, 32, 24)}))
    assert masks.shape[0] == 6 and not torch.equal(masks[0], masks[2])


def test_watching_changes_no_picture(run):
    assert torch.equal(run("")["samples"], run(None)["samples"])


def test_each_run_has_its_own_maps(graph, node, demo):
    model, positive, batch = graph("circle")
    runs = [{**batch, "samples": sample(model, positive, negative(demo[1]), batch, seed=seed)} for seed in (1, 2)]
    first, second = (maps(node, made)[1] for made in runs)
    assert not torch.equal(first, second)
    again = {**batch, "samples": sample(model, positive, negative(demo[1]), batch, seed=1)}
    assert torch.equal(maps(node, again)[1], first)


def test_mistakes(graph, run, node):
    with pytest.raises(ValueError, match="P2P Watch Words: 'cat' does not occur in any of the prompts"):
        graph("circle, cat")
    with pytest.raises(ValueError, match="P2P Attention Maps: these samples are not those of a run with watched"):
        maps(node, run(None))
    made = run("circle")
    with pytest.raises(ValueError, match="P2P Attention Maps: there are 1 pictures for a run of 2"):
        node("P2P_AttentionMaps", samples=made, images=torch.zeros(1, 32, 24, 3), over_the_picture=True, label=True)
    with pytest.raises(RuntimeError, match="P2P Watch Words: .* none is 1/8 of"):
        run("circle", resolution="1/8")


def test_a_picture_not_made_here(node, demo):
    """From its inversion: the circle's map is on the circle that the renderer drew."""
    scene = scenes.Scene((scenes.Thing("red", "circle", x=0.35, y=0.6, radius=0.25),), "blue")
    drawn = torch.from_numpy(render.render(scene, 32))[None]
    latent = nodes.VAEEncode().encode(demo[2], drawn)[0]
    positive, edit = node("P2P_EncodePromptPair", clip=demo[1], source_prompt=SOURCE, target_prompt=TARGET)
    (edit,) = node("P2P_WatchWords", edit=edit, words="circle", map_resolution="1/2")
    inversion, _, _ = node(
        "P2P_DDIMInversion", model=demo[0], positive=positive, latent=latent, steps=10, scheduler="normal"
    )
    windows = {"self_start_percent": 0.0, "self_end_percent": 0.4, "self_resolution": "1/2"}
    model, batch = node(
        "P2P_AttentionController", model=demo[0], edit=edit, latent=latent, inversion=inversion, **windows
    )
    made = {**batch, "samples": sample(model, positive, negative(demo[1]), batch, steps=10)}
    heat = maps(node, made)[1][0]
    circle = torch.from_numpy(render.coverage(scene.things[0], 32)) > 0.5
    assert float(heat[circle].mean()) > 1.5 * float(heat[~circle].mean())


def test_a_cached_run_is_found_after_many_others(graph, demo, node):
    model, positive, batch = graph("circle")
    made = [
        {**batch, "samples": sample(model, positive, negative(demo[1]), batch, seed=seed, steps=1)} for seed in range(9)
    ]
    first = maps(node, made[0])[1]
    assert first.shape[0] == 2 and not torch.equal(first, maps(node, made[-1])[1])


def test_without_room_the_last_runs_of_a_controller_are_kept_and_it_says_so(graph, demo, node, part, monkeypatch):
    monkeypatch.setattr(part("p2p_attention.run.record"), "MOST_BYTES", 0)
    model, positive, batch = graph("circle")
    made = [
        {**batch, "samples": sample(model, positive, negative(demo[1]), batch, seed=seed, steps=2)} for seed in range(5)
    ]
    assert maps(node, made[-1])[1].shape[0] == 2
    with pytest.raises(ValueError, match="P2P Attention Maps: .* none of the last 4 .* Change the sampler's seed"):
        maps(node, made[0])
