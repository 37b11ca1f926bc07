"""The one file that touches ComfyUI: reading prompts, batching conditionings and latents, patching a model."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import comfy.k_diffusion.sampling
import comfy.model_patcher
import comfy.samplers
import comfy.sd
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.patcher_extension import WrappersMP

from .control import Control
from .edits import EditPlan
from .prompt import Prompt, Role, Token
from .run import CONTROLLER_NODE, RUN, Run, attn1_patch, attn2_output_patch, attn2_patch

ENCODE_NODE = "P2P Encode Prompt Pair"
KEY = "p2p"
PAIR = "p2p_pair"

Conditioning = list[list[Any]]
HostTokens = dict[str, list[list[tuple]]]


def encode_pair(clip: comfy.sd.CLIP, source: str, targets: tuple[str, ...]) -> tuple[Conditioning, EditPlan]:
    """Encode a source prompt and its targets as one conditioning with a row each, and start an edit plan.

    Prompts of fewer chunks than the longest are filled up with empty ones. Raises ValueError for a text encoder
    that is not CLIP, or encoders that read the prompt differently.
    """
    texts = (source, *targets)
    tokens = _fill_up([clip.tokenize(text, return_word_ids=True) for text in texts], clip)
    prompts = [_read(clip, text, token) for text, token in zip(texts, tokens, strict=True)]
    encoded = [clip.encode_from_tokens_scheduled(_without_ids(token)) for token in tokens]
    pair = hashlib.sha256(repr(texts).encode("utf-8", "surrogatepass")).hexdigest()
    conditioning = [_stack(list(parts), pair) for parts in zip(*encoded, strict=True)]
    return conditioning, EditPlan(pair, prompts[0], tuple(prompts[1:]))


def expand_latent(latent: dict[str, Any], rows: int) -> dict[str, Any]:
    """Repeat a latent of one for so many rows, all with the noise of its one. Raises ValueError for any other."""
    samples = latent["samples"]
    if getattr(samples, "is_nested", False) or samples.ndim != 4:
        raise ValueError(f"{CONTROLLER_NODE}: the latent is not a single picture's; use one of shape [1, C, H, W].")
    if samples.shape[0] != 1:
        raise ValueError(
            f"{CONTROLLER_NODE}: the latent holds a batch of {samples.shape[0]}, but the Controller makes the rows for "
            "source and target itself. Give it a batch of 1 (for example Latent From Batch)."
        )
    index = latent.get("batch_index", [0])[0]
    return {**latent, "samples": samples.repeat(rows, 1, 1, 1), "batch_index": [index] * rows}


def control_model(model: comfy.model_patcher.ModelPatcher, control: Control) -> comfy.model_patcher.ModelPatcher:
    """A clone of the model whose runs apply the edits. Raises ValueError for a model that has no such attention."""
    unet = model.get_model_object("diffusion_model")
    if not isinstance(unet, UNetModel):
        raise ValueError(
            f"{CONTROLLER_NODE}: {type(unet).__name__} is not a UNet with cross-attention to the prompt. "
            "Prompt-to-Prompt works with Stable Diffusion 1, 2, XL and models of their families."
        )
    if model.get_wrappers(WrappersMP.OUTER_SAMPLE, KEY):
        raise ValueError(
            f"{CONTROLLER_NODE}: this model already comes from an Attention Controller. "
            "Chain the edit nodes instead and apply them with one Controller."
        )
    clone = model.clone()
    clone.set_model_attn1_patch(attn1_patch)
    clone.set_model_attn2_patch(attn2_patch)
    clone.set_model_attn2_output_patch(attn2_output_patch)
    clone.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, partial(_controlled_run, control))
    clone.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, KEY, _controlled_sampler)
    clone.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, KEY, _controlled_call)
    return clone


def _controlled_run(
    control: Control, executor: Any, noise: torch.Tensor, latent: torch.Tensor, *args: Any, **kwargs: Any
):
    """OUTER_SAMPLE: one `Run` from here to the end, in the run's own transformer_options."""
    guider: comfy.samplers.CFGGuider = executor.class_obj
    sigmas: torch.Tensor = args[1]
    _check_positive(guider, control.plan)
    _check_rows(noise, control.plan)
    sampling = guider.model_patcher.get_model_object("model_sampling")
    continues = not bool(torch.any(noise))
    run = Run(control, sigmas.tolist(), sampling.percent_to_sigma, continues)
    options = guider.model_options["transformer_options"]
    if options.get("patches_replace", {}).get("attn2") and run.takes_extra_rows:
        raise ValueError(
            f"{CONTROLLER_NODE}: another node replaces this model's cross-attention (as IPAdapter does) and cannot "
            "take the extra rows that added words, word windows and reweights need. Remove it, or only swap words."
        )
    options[RUN] = run
    try:
        result = executor(noise, latent, *args, **kwargs)
    finally:
        del options[RUN]
    run.end()
    return result


def _controlled_call(executor: Any, x: torch.Tensor, timestep: torch.Tensor, model_options: dict, *args: Any):
    """PREDICT_NOISE: read the noise level once for all layers."""
    run: Run | None = model_options.get("transformer_options", {}).get(RUN)
    if run is None:
        return executor(x, timestep, model_options, *args)
    run.begin_call(float(timestep.flatten()[0]))
    result = executor(x, timestep, model_options, *args)
    run.end_call()
    return result


def _controlled_sampler(
    executor: Any, guider: Any, sigmas: torch.Tensor, extra_args: dict, callback: Any, noise: torch.Tensor, *args: Any
):
    """SAMPLER_SAMPLE: the host has prepared the conditionings, and the sampler is about to draw its noise."""
    run: Run = guider.model_options["transformer_options"][RUN]
    run.uuids = _own_entries(guider, run.plan)
    with _shared_noise(executor.class_obj, noise, sigmas, extra_args.get("seed")):
        return executor(guider, sigmas, extra_args, callback, noise, *args)


@contextlib.contextmanager
def _shared_noise(sampler: Any, noise: torch.Tensor, sigmas: torch.Tensor, seed: int | None) -> Iterator[None]:
    """While it lasts, the noise that a sampler draws per step is the same for every row, as for a batch of one."""
    function = getattr(sampler, "sampler_function", None)
    draws = function is not None and "noise_sampler" in inspect.signature(function).parameters
    draws |= getattr(function, "__name__", "") == "dpm_adaptive_function"  # the host's, which hands it on
    if not draws or sampler.extra_options.get("noise_sampler") is not None or len(sigmas) < 2:
        yield
        return
    original = sampler.extra_options
    one_row = _noise_sampler(function.__name__, noise[:1], sigmas, seed)
    sampler.extra_options = {**original, "noise_sampler": lambda *at: one_row(*at).expand_as(noise)}
    try:
        yield
    finally:
        sampler.extra_options = original


def _own_entries(guider: comfy.samplers.CFGGuider, plan: EditPlan) -> frozenset:
    """The ids of all entries that will run the pair's rows, made anew.

    Where an entry has an area, the host gives its opposite a copy of it, id and all, with the other's context: so a
    positive without our mark may hold the pair's rows, and a negative with our mark does not.
    """
    positives = guider.conds["positive"]
    contexts = [entry["model_conds"].get("c_crossattn") for entry in positives if entry.get(PAIR) == plan.pair]
    own = [entry for entry in positives if any(entry["model_conds"].get("c_crossattn") is c for c in contexts)]
    for entry in own:
        entry["uuid"] = uuid.uuid4()
    return frozenset(entry["uuid"] for entry in own)


def _noise_sampler(name: str, x: torch.Tensor, sigmas: torch.Tensor, seed: int | None) -> Callable:
    """The host's own noise sampler for this sampler function, for one row."""
    if name.startswith("sample_dpmpp") and "sde" in name:
        low, high = sigmas[sigmas > 0].min(), sigmas.max()
        tree = comfy.k_diffusion.sampling.BrownianTreeNoiseSampler
        return tree(x, low, high, seed=seed, cpu=not name.endswith("_gpu"))
    return comfy.k_diffusion.sampling.default_noise_sampler(x, seed=seed)


def _check_positive(guider: comfy.samplers.CFGGuider, plan: EditPlan) -> None:
    entries = [entry for entry in guider.conds.get("positive", []) if entry.get(PAIR) == plan.pair]
    if not entries:
        raise ValueError(
            f"{CONTROLLER_NODE}: the sampler's positive conditioning is not the one of this edit. Connect the positive "
            f"output of the {ENCODE_NODE} that this edit comes from."
        )
    for entry in entries:
        rows, tokens = entry["cross_attn"].shape[:2]
        if (rows, tokens) != (plan.rows, plan.tokens):
            raise ValueError(
                f"{CONTROLLER_NODE}: the positive conditioning has {rows} rows of {tokens} tokens, "
                f"the edit was encoded to {plan.rows} of {plan.tokens}. Connect {ENCODE_NODE}'s positive output "
                "without nodes that change its batch or join other prompts to it."
            )


def _check_rows(noise: torch.Tensor, plan: EditPlan) -> None:
    if noise.shape[0] != plan.rows:
        raise ValueError(
            f"{CONTROLLER_NODE}: the sampler got a batch of {noise.shape[0]}, the edit needs {plan.rows} (source and "
            "targets). Connect the Controller's latent output to the sampler."
        )
    if not bool((noise == noise[:1]).all()):
        raise ValueError(
            f"{CONTROLLER_NODE}: source and target start from different noise. Connect the Controller's latent output "
            "to the sampler, and noise that honours batch_index (KSampler and Random Noise do)."
        )


def _fill_up(tokens: list[HostTokens], clip: comfy.sd.CLIP) -> list[HostTokens]:
    """Give all prompts the same number of chunks, for the host would otherwise repeat the shorter one's tokens."""
    empty = clip.tokenize("", return_word_ids=True)
    longest = {key: max(len(token[key]) for token in tokens) for key in empty}
    return [{key: token[key] + [empty[key][0]] * (longest[key] - len(token[key])) for key in empty} for token in tokens]


def _without_ids(tokens: HostTokens) -> HostTokens:
    return {key: [[entry[:2] for entry in chunk] for chunk in chunks] for key, chunks in tokens.items()}


def _read(clip: comfy.sd.CLIP, text: str, tokens: HostTokens) -> Prompt:
    """The host's tokens as a Prompt. SDXL's two encoders must agree on what stands where."""
    for key, chunks in tokens.items():
        _check_embeddings(clip, key, text, chunks)
    read = [Prompt(text, tuple(tuple(_roles(clip, chunk)) for chunk in chunks)) for chunks in tokens.values()]
    if any([t.role for t in prompt.tokens] != [t.role for t in read[0].tokens] for prompt in read[1:]):
        raise ValueError(
            f"{ENCODE_NODE}: the model's text encoders read {text!r} differently, position by position. An embedding "
            "made for only one of them does this; remove it."
        )
    return read[0]


def _check_embeddings(clip: comfy.sd.CLIP, key: str, text: str, chunks: list[list[tuple]]) -> None:
    """The host leaves out an embedding of another width after it has counted its tokens, which moves all others."""
    widths = {entry[0].shape[-1] for chunk in chunks for entry in chunk if torch.is_tensor(entry[0])}
    encoder = getattr(clip.cond_stage_model, f"clip_{key}", None)
    if not widths or encoder is None:
        return
    width = encoder.transformer.get_input_embeddings().weight.shape[-1]
    if widths != {width}:
        raise ValueError(
            f"{ENCODE_NODE}: an embedding in {text!r} has vectors of width {max(widths)}, the text encoder clip_{key} "
            f"needs {width}. It was made for another model; remove it."
        )


def _roles(clip: comfy.sd.CLIP, chunk: list[tuple]) -> list[Token]:
    """Word ids of 0 mark what is not a word: the start, the end, and the padding after it."""
    content = [i for i, (_, _, word) in enumerate(chunk) if word != 0]
    end = content[-1] + 1 if content else 1
    if chunk[0][2] != 0 or end >= len(chunk) or content != list(range(1, end)):
        raise ValueError(
            f"{ENCODE_NODE}: this text encoder does not read prompts as CLIP does (start, words, end, padding). "
            "Prompt-to-Prompt works with Stable Diffusion 1, 2, XL and models of their families."
        )
    roles = [Role.START] + [Role.WORD] * (end - 1) + [Role.END] + [Role.PADDING] * (len(chunk) - end - 1)
    return [_token(clip, role, *entry) for role, entry in zip(roles, chunk, strict=True)]


def _token(clip: comfy.sd.CLIP, role: Role, value: Any, weight: float, group: int) -> Token:
    if role is not Role.WORD:
        return Token(role)
    if torch.is_tensor(value):
        data = value.detach().float().cpu().contiguous().numpy().tobytes()
        return Token(role, hashlib.sha256(data).hexdigest(), "", weight, group)
    return Token(role, int(value), clip.tokenizer.untokenize([(value, weight)])[0][1], weight, group)


def _stack(parts: list[list[Any]], pair: str) -> list[Any]:
    """One conditioning entry with a row for each prompt; pooled vectors are stacked, the rest is the source's."""
    options = dict(parts[0][1])
    for key, value in options.items():
        if torch.is_tensor(value):
            options[key] = torch.cat([part[1][key] for part in parts])
    return [torch.cat([part[0] for part in parts]), {**options, PAIR: pair}]
