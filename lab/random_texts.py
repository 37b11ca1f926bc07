"""Text encoders with random weights of the host's own classes, and the host's own tokenizers.

Every family has the tokenizer that its loader takes; only widths and depths of the models are small. Three vocabularies
come with a family's weights and not with the host (Gemma's, UMT5's, Mistral's): those are made here, of the same kinds,
from a few sentences.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import comfy.sd
import comfy.sd1_clip
import comfy.supported_models_base
import comfy.text_encoders.anima
import comfy.text_encoders.aura_t5
import comfy.text_encoders.cosmos
import comfy.text_encoders.flux
import comfy.text_encoders.llama
import comfy.text_encoders.lumina2
import comfy.text_encoders.pixart_t5
import comfy.text_encoders.qwen_image
import comfy.text_encoders.sd3_clip
import comfy.text_encoders.wan
import comfy.text_encoders.z_image
import torch

from .random_models import randomise

TEXT, POOLED = 48, 32
SD3_WIDTH = 4096  # to which the host fills CLIP's columns up

SENTENCES = (
    "a cat on a mat, a dog on a red chair, a big hippopotamus on the blue mat",
    "a photo of a castle beside a river in the snow, oil painting, sharp focus",
    "ein roter Hund auf einer Matte, un chat rouge sur un tapis, un gato en una silla",
    "красный кот сидит на коврике, большая собака под деревом",
    "一只红色的猫坐在垫子上, 一只狗在河边, 雪中的城堡",
)


def flux() -> comfy.sd.CLIP:
    """Flux.1's, T5 and CLIP-L for its pooled vector."""
    te = comfy.text_encoders.flux
    return _clip(
        te.FluxTokenizer, te.flux_clip(), {"t5xxl_model_config": _t5(), "clip_l_model_config": _clip_l(POOLED)}
    )


def chroma() -> comfy.sd.CLIP:
    """Chroma's, T5 without padding."""
    te = comfy.text_encoders.pixart_t5
    return _clip(te.PixArtTokenizer, te.pixart_te(), {"t5xxl_model_config": _t5()})


def sd3(**loaded: bool) -> comfy.sd.CLIP:
    """Stable Diffusion 3's three, or those that are `loaded`: clip_l, clip_g, t5."""
    te = comfy.text_encoders.sd3_clip
    configs = {
        "t5xxl_model_config": {**_t5(), "d_model": SD3_WIDTH, "num_layers": 1},
        "clip_l_model_config": _clip_l(POOLED // 2),
        "clip_g_model_config": {**_clip_l(POOLED // 2), "hidden_act": "gelu"},
    }
    return _clip(te.SD3Tokenizer, te.sd3_clip(**loaded), configs)


def qwen_image() -> comfy.sd.CLIP:
    """Qwen-Image's, Qwen 2.5 without the part of it that sees."""

    class Text(comfy.text_encoders.llama.BaseLlama, torch.nn.Module):  # type: ignore[misc]
        def __init__(self, config: dict[str, Any], dtype: Any, device: Any, operations: Any) -> None:
            super().__init__()
            llama = comfy.text_encoders.llama
            settings = llama.Qwen25_7BVLI_Config(**config)
            self.num_layers = settings.num_hidden_layers
            self.model = llama.Llama2_(settings, device=device, dtype=dtype, ops=operations)
            self.dtype = dtype

    class Encoder(comfy.sd1_clip.SDClipModel):  # type: ignore[misc]
        def __init__(self, device: Any = "cpu", dtype: Any = None, model_options: Any = None) -> None:
            super().__init__(
                device=device,
                layer="last",
                textmodel_json_config={},
                dtype=dtype,
                special_tokens={"pad": 151643},
                layer_norm_hidden_state=False,
                model_class=Text,
                enable_attention_masks=True,
                return_attention_masks=True,
                model_options=model_options or {},
            )

    te = comfy.text_encoders.qwen_image
    return _clip(te.QwenImageTokenizer, te.te(), {"qwen25_7b_class": Encoder, "qwen25_7b_model_config": _llama()})


def z_image() -> comfy.sd.CLIP:
    """Z-Image's, Qwen 3."""
    te = comfy.text_encoders.z_image
    return _clip(te.ZImageTokenizer, te.te(), {"qwen3_4b_model_config": _llama(layers=3)})


def klein() -> comfy.sd.CLIP:
    """Flux.2 klein's, Qwen 3, of which three layers are taken."""
    te = comfy.text_encoders.flux
    return _clip(te.KleinTokenizer, te.klein_te(), {"qwen3_4b_model_config": _llama(layers=28, width=TEXT // 3)})


def krea2() -> comfy.sd.CLIP:
    """Krea 2's, Qwen 3 VL, of which twelve layers are taken."""
    import comfy.text_encoders.krea2 as te
    import comfy.text_encoders.qwen3vl as qwen

    sees, whole = qwen.QWEN3VL_VISION, qwen.QWEN3VL_VISION["qwen3vl_4b"]
    sees["qwen3vl_4b"] = {"hidden_size": 32, "intermediate_size": 32, "depth": 1, "deepstack_visual_indexes": [0]}
    try:
        config = _llama(layers=36, width=TEXT // 12)
        return _clip(te.Krea2Tokenizer, te.te(), {"qwen3vl_4b_model_config": config})
    finally:
        sees["qwen3vl_4b"] = whole


def flux2() -> comfy.sd.CLIP:
    """Flux.2 dev's, Mistral 3, of which three layers are taken."""
    te = comfy.text_encoders.flux
    config = _llama(layers=31, width=TEXT // 3)
    return _clip(
        te.Flux2Tokenizer, te.flux2_te(), {"mistral3_24b_model_config": config}, mistral3_24b_tokenizer_class=Mistral
    )


def lumina2() -> comfy.sd.CLIP:
    """Lumina 2's, Gemma 2."""
    te = comfy.text_encoders.lumina2
    config = {**_llama(layers=3), "vocab_size": VOCABULARY}
    pieces = _sentence_pieces(pad_id=0, eos_id=1, bos_id=2, unk_id=3)
    return _clip(te.LuminaTokenizer, te.te(), {"gemma2_2b_model_config": config}, spiece_model=pieces)


def aura() -> comfy.sd.CLIP:
    """AuraFlow's, T5 with a vocabulary for the Pile."""
    te = comfy.text_encoders.aura_t5
    return _clip(te.AuraT5Tokenizer, te.AuraT5Model, {"pile_t5xl_model_config": _t5()})


def anima() -> comfy.sd.CLIP:
    """Anima's, Qwen 3 and T5's tokenizer."""
    te = comfy.text_encoders.anima
    return _clip(te.AnimaTokenizer, te.te(), {"qwen3_06b_model_config": _llama()})


def cosmos() -> comfy.sd.CLIP:
    """Cosmos-Predict2's, the first T5."""
    te = comfy.text_encoders.cosmos
    return _clip(te.CosmosT5Tokenizer, te.te(), {"t5xxl_model_config": _t5()})


def wan() -> comfy.sd.CLIP:
    """Wan's, UMT5."""
    te = comfy.text_encoders.wan
    config = {**_t5(), "vocab_size": VOCABULARY}
    pieces = _sentence_pieces(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    return _clip(te.WanT5Tokenizer, te.te(), {"umt5xxl_model_config": config}, spiece_model=pieces)


TEXTS: dict[str, Callable[[], comfy.sd.CLIP]] = {
    "flux": flux,
    "flux2": flux2,
    "klein": klein,
    "chroma": chroma,
    "qwen": qwen_image,
    "zimage": z_image,
    "lumina2": lumina2,
    "sd3": sd3,
    "aura": aura,
    "anima": anima,
    "cosmos": cosmos,
    "wan": wan,
}
if importlib.util.find_spec("comfy.text_encoders.krea2"):  # not before 0.27
    TEXTS["krea2"] = krea2

VOCABULARY = 700


def _t5() -> dict[str, Any]:
    return {"d_model": TEXT, "d_ff": 64, "d_kv": 12, "num_heads": 4, "num_layers": 2}


def _clip_l(width: int) -> dict[str, Any]:
    return {"hidden_size": width, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}


def _llama(layers: int = 2, width: int = TEXT) -> dict[str, Any]:
    heads = {"num_attention_heads": 1, "num_key_value_heads": 1}
    return {"hidden_size": width, "intermediate_size": 64, "num_hidden_layers": layers, **heads}


def _clip(tokenizer: Any, model: Any, options: dict[str, Any], **data: Any) -> comfy.sd.CLIP:
    target = comfy.supported_models_base.ClipTarget(tokenizer, model)
    clip = comfy.sd.CLIP(target, model_options={**options, "dtype": torch.float32}, tokenizer_data=data)
    wide = [one for one in clip.cond_stage_model.modules() if _is_wide(one)]
    for table in wide:
        table.weight = _overlapping(*table.weight.shape)
    randomise(clip.cond_stage_model, 13, {table.weight for table in wide})
    return clip


def _is_wide(module: torch.nn.Module) -> bool:
    """A table of as many words as Stable Diffusion 3's T5 has, at its width: half a gigabyte."""
    return isinstance(module, torch.nn.Embedding) and module.weight.numel() > 10**8


def _overlapping(words: int, width: int) -> torch.nn.Parameter:
    """A table of random rows that share their memory, each a few numbers further on than the one before."""
    step = 16
    numbers = torch.randn(words * step + width, generator=torch.Generator().manual_seed(15))
    return torch.nn.Parameter(numbers.as_strided((words, width), (step, 1)), requires_grad=False)


@lru_cache
def _sentence_pieces(**ids: Any) -> torch.Tensor:
    """A sentencepiece model with a piece for every byte, as a family's weights carry it."""
    import sentencepiece

    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 4),
        model_writer=made,
        vocab_size=VOCABULARY,
        hard_vocab_limit=False,
        byte_fallback=True,
        character_coverage=1.0,
        model_type="bpe",
        minloglevel=2,
        **ids,
    )
    return torch.frombuffer(bytearray(made.getvalue()), dtype=torch.uint8)


@lru_cache
def _byte_bpe() -> Any:
    """A tokenizer of Mistral's kind."""
    import tokenizers
    import transformers

    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"]
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(SENTENCES * 4, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made)  # type: ignore[no-untyped-call]


class Mistral(comfy.sd1_clip.SDTokenizer):  # type: ignore[misc]
    """The host's tokenizer of Mistral's kind. The host's own way to make it of the vocabulary in Flux.2's weights fails
    with the pinned transformers, whose MistralConverter wants a file.
    """

    def __init__(self, embedding_directory: Any = None, tokenizer_data: Any = None) -> None:
        class Made:
            @staticmethod
            def from_pretrained(path: str, **more: Any) -> Any:
                return _byte_bpe()

        super().__init__(
            "",
            pad_with_end=False,
            embedding_directory=embedding_directory,
            embedding_size=5120,
            embedding_key="mistral3_24b",
            tokenizer_class=Made,
            has_end_token=False,
            pad_to_max_length=False,
            pad_token=11,
            start_token=1,
            max_length=99999999,
            min_length=1,
            pad_left=True,
            disable_weights=True,
            tokenizer_data=tokenizer_data or {},
        )
