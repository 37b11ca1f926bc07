"""Encode Prompt Pair over real tokenisation."""

from pathlib import Path

import folder_paths
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from .graph import encode, prompt, swap

LONG = "a very " + "small " * 90 + "cat"


def spelled(read):
    return [word.text for word in read.words]


def test_rows_are_source_then_target_as_the_host_encodes_them(demo):
    (cond, options), *_ = encode(demo.clip, "a red circle", "a blue square")[0]
    alone = [prompt(demo.clip, text)[0] for text in ("a red circle", "a blue square")]
    assert torch.equal(cond, torch.cat([entry[0] for entry in alone]))
    assert torch.equal(options["pooled_output"], torch.cat([entry[1]["pooled_output"] for entry in alone]))


def test_words_of_several_tokens_punctuation_and_weights(demo):
    _, edit = encode(demo.clip, "A (Hippopotamus:1.3), two circles... and circles", "a hippopotamus")
    words = edit.source.words
    assert spelled(edit.source) == ["a", "hippopotamus", ",", "two", "circles", "...", "and", "circles"]
    assert len(words[1].positions) > 1 and set(words[1].weights) == {1.3}


def test_only_a_weight_differs(demo):
    _, edit = encode(demo.clip, "a red circle", "a (red:1.4) circle")
    swap(edit, end=0.8)


def test_prompts_over_77_tokens_get_the_same_number_of_chunks(demo):
    positive, edit = encode(demo.clip, LONG, "a cat")
    assert positive[0][0].shape[:2] == (2, 154)
    assert [len(read.chunks) for read in (edit.source, *edit.prompts)] == [2, 2]
    assert spelled(edit.prompts[0]) == ["a", "cat"] and len(edit.source.words) == 93


def test_an_embedding_is_one_word(demo, part):
    folder = folder_paths.get_folder_paths("embeddings")[0]
    Path(folder).mkdir(parents=True, exist_ok=True)
    vectors = torch.randn(3, 64, generator=torch.Generator().manual_seed(0))
    save_file({"emb_params": vectors}, f"{folder}/style.safetensors")
    _, edit = encode(demo.clip, "a cat, embedding:style", "a dog, embedding:style")
    assert len(edit.source.words) == 4
    assert len(edit.source.words[-1].positions) == 3
    changes = [run.change.value for run in edit.targets[0].pair.runs]
    assert changes == ["kept", "swapped", "kept"]


def test_an_embedding_of_another_model(demo):
    folder = folder_paths.get_folder_paths("embeddings")[0]
    Path(folder).mkdir(parents=True, exist_ok=True)
    save_file({"emb_params": torch.zeros(2, 768)}, f"{folder}/other.safetensors")
    with pytest.raises(ValueError, match="P2P Encode Prompt Pair: an embedding .* of width 768, .* clip_l needs 64"):
        encode(demo.clip, "a cat, embedding:other", "a dog, embedding:other")


def test_sdxl_encoders_agree(sdxl):
    positive, edit = encode(sdxl.clip, "a cat", LONG)
    assert positive[0][0].shape == (2, 154, 64) and positive[0][1]["pooled_output"].shape == (2, 32)
    assert spelled(edit.source) == ["a", "cat"]


def test_no_text_encoder_says_so():
    with pytest.raises(ValueError, match="P2P Encode Prompt Pair: the clip input is empty"):
        encode(None, "a", "b")


@settings(max_examples=60)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_read_and_every_token_has_its_place(demo, part, source, target):
    host, maps = part("p2p_attention.host.conditioning"), part("p2p_attention.edits.column_map")
    role = part("p2p_attention.prompts.prompt").Role
    _, plan = host.encode_pair(demo.clip, source, (target,))
    for read in (plan.source, plan.prompts[0]):
        covered = [p for word in read.words for p in word.positions]
        assert covered == [i for i, token in enumerate(read.tokens) if token.role is role.WORD]
    columns = maps.map_columns(maps.Kind.SWAP, plan.targets[0].pair)
    specials = [i for i, token in enumerate(plan.prompts[0].tokens) if token.role is not role.WORD]
    assert torch.equal(columns.weights[:, specials].sum(dim=0), torch.ones(len(specials), dtype=torch.float64))
