"""Encode Prompt Pair over real tokenisation."""

from pathlib import Path

import folder_paths
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

LONG = "a very " + "small " * 90 + "cat"


@pytest.fixture
def encode(node, demo):
    def run(source, target, clip=None):
        return node("P2P_EncodePromptPair", clip=clip or demo[1], source_prompt=source, target_prompt=target)

    return run


def spelled(prompt):
    return [word.text for word in prompt.words]


def test_rows_are_source_then_target_as_the_host_encodes_them(encode, demo):
    import nodes

    (cond, options), *_ = encode("a red circle", "a blue square")[0]
    alone = [nodes.CLIPTextEncode().encode(demo[1], text)[0][0] for text in ("a red circle", "a blue square")]
    assert torch.equal(cond, torch.cat([entry[0] for entry in alone]))
    assert torch.equal(options["pooled_output"], torch.cat([entry[1]["pooled_output"] for entry in alone]))


def test_words_of_several_tokens_punctuation_and_weights(encode):
    _, edit = encode("A (Hippopotamus:1.3), two circles... and circles", "a hippopotamus")
    words = edit.source.words
    assert spelled(edit.source) == ["a", "hippopotamus", ",", "two", "circles", "...", "and", "circles"]
    assert len(words[1].positions) > 1 and set(words[1].weights) == {1.3}


def test_only_a_weight_differs(encode, node):
    _, edit = encode("a red circle", "a (red:1.4) circle")
    node("P2P_WordSwap", edit=edit, start_percent=0.0, end_percent=0.8)


def test_prompts_over_77_tokens_get_the_same_number_of_chunks(encode):
    positive, edit = encode(LONG, "a cat")
    assert positive[0][0].shape[:2] == (2, 154)
    assert [len(prompt.chunks) for prompt in (edit.source, *edit.prompts)] == [2, 2]
    assert spelled(edit.prompts[0]) == ["a", "cat"] and len(edit.source.words) == 93


def test_an_embedding_is_one_word(encode, part):
    folder = folder_paths.get_folder_paths("embeddings")[0]
    Path(folder).mkdir(parents=True, exist_ok=True)
    vectors = torch.randn(3, 64, generator=torch.Generator().manual_seed(0))
    save_file({"emb_params": vectors}, f"{folder}/style.safetensors")
    _, edit = encode("a cat, embedding:style", "a dog, embedding:style")
    assert len(edit.source.words) == 4
    assert len(edit.source.words[-1].positions) == 3
    changes = [run.change.value for run in edit.targets[0].pair.runs]
    assert changes == ["kept", "swapped", "kept"]


def test_an_embedding_of_another_model(encode):
    folder = folder_paths.get_folder_paths("embeddings")[0]
    Path(folder).mkdir(parents=True, exist_ok=True)
    save_file({"emb_params": torch.zeros(2, 768)}, f"{folder}/other.safetensors")
    with pytest.raises(ValueError, match="P2P Encode Prompt Pair: an embedding .* of width 768, .* clip_l needs 64"):
        encode("a cat, embedding:other", "a dog, embedding:other")


def test_sdxl_encoders_agree(encode, sdxl):
    positive, edit = encode("a cat", LONG, clip=sdxl[1])
    assert positive[0][0].shape == (2, 154, 64) and positive[0][1]["pooled_output"].shape == (2, 32)
    assert spelled(edit.source) == ["a", "cat"]


def test_no_text_encoder_says_so(node):
    with pytest.raises(ValueError, match="P2P Encode Prompt Pair: the clip input is empty"):
        node("P2P_EncodePromptPair", clip=None, source_prompt="a", target_prompt="b")


@settings(max_examples=60)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_read_and_every_token_has_its_place(demo, part, source, target):
    host, maps = part("p2p_attention.host.conditioning"), part("p2p_attention.edits.column_map")
    role = part("p2p_attention.prompts.prompt").Role
    _, plan = host.encode_pair(demo[1], source, (target,))
    for prompt in (plan.source, plan.prompts[0]):
        covered = [p for word in prompt.words for p in word.positions]
        assert covered == [i for i, token in enumerate(prompt.tokens) if token.role is role.WORD]
    columns = maps.map_columns(maps.Kind.SWAP, plan.targets[0].pair)
    specials = [i for i, token in enumerate(plan.prompts[0].tokens) if token.role is not role.WORD]
    assert torch.equal(columns.weights[:, specials].sum(dim=0), torch.ones(len(specials), dtype=torch.float64))
