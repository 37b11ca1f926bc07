"""What is typed wrongly is found before anything is loaded, and so is half a Controller."""

import asyncio
import json

import execution
import nodes
import pytest

from .conftest import ROOT
from .graph import control, empty, encode, node, prompt, sample, swap


@pytest.fixture(scope="module", autouse=True)
def core_nodes():
    asyncio.run(nodes.init_builtin_extra_nodes())


@pytest.mark.parametrize(
    "number, input_name, value, why",
    [
        ("3", "start_percent", 0.9, "start_percent 0.9 comes after end_percent 0.8"),
        ("3", "start_percent", 1.5, "start_percent is 1.5; it must lie between"),
        ("3", "end_percent_sweep", "0.2, soon", "'soon' is not a number"),
        ("3", "word_windows", "circle", "cannot be read"),
        ("5", "self_start_percent", 0.9, "self_start_percent 0.9 comes after self_end_percent 0.4"),
    ],
)
def test_a_wrong_value_is_refused_when_it_is_queued(number, input_name, value, why):
    workflow = json.loads((ROOT / "workflows" / "api" / "word_swap.json").read_text())
    workflow[number]["inputs"][input_name] = value
    _, _, _, problems = asyncio.run(execution.validate_prompt("test", workflow, None))
    assert any(why in error["details"] for error in problems[number]["errors"])


def test_values_that_come_by_links_wait(pack):
    kind = nodes.NODE_CLASS_MAPPINGS["P2P_WordSwap"]
    assert kind.validate_inputs(start_percent=0.5, end_percent=None, word_windows=None) is True
    assert nodes.NODE_CLASS_MAPPINGS["P2P_Reweight"].validate_inputs(strength_sweep="1, x") is not True


class Hidden:
    unique_id = "5"

    def __init__(self, *links):
        self.prompt = {"5": {"class_type": "P2P_AttentionController", "inputs": {}}}
        self.prompt |= {"8": {"class_type": "P2P_AttentionController", "inputs": {}}}
        self.prompt |= {"7": {"class_type": "KSampler", "inputs": {str(i): list(at) for i, at in enumerate(links)}}}


def test_half_a_controller(part):
    check = part("nodes.graph_checks").check_outputs
    check(Hidden(("5", 0), ("5", 1)))
    check(Hidden(("5", 0), ("8", 1)))
    check(Hidden())
    with pytest.raises(ValueError, match="Connect the model output too"):
        check(Hidden(("5", 1), ("1", 0)))
    with pytest.raises(ValueError, match="Connect the latent output too"):
        check(Hidden(("5", 0), ("1", 1)))


def test_a_latent_much_too_large_for_the_demo_model(demo):
    _, edit = encode(demo.clip, "a red circle", "a blue circle")
    (latent,) = nodes.EmptyLatentImage().generate(512, 512)
    with pytest.raises(ValueError, match="the picture is 512×512.*Set the Empty Latent Image to 32×32"):
        control(demo.model, swap(edit), latent)


def test_guidance_of_one_is_named(demo, caplog):
    positive, edit = encode(demo.clip, "a red circle", "a (red:1.01) circle")
    model, latent = control(demo.model, swap(edit), empty((3, 32, 32)))
    sample(model, positive, prompt(demo.clip), latent, cfg=1.0)
    assert "raise guidance (the sampler's cfg, now 1)" in caplog.text
    assert "unless the model is distilled for it" in caplog.text


def test_prompts_of_other_programs_are_named(demo, caplog):
    node("P2P_EncodePromptPair", clip=demo.clip, source_prompt="a {red|blue} circle", target_prompt="two cats")
    assert "P2P Encode Prompt Pair: '{red|blue}' is read as words" in caplog.text
    assert "no word in common" in caplog.text
