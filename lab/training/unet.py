"""The UNet: the host's class with narrow widths and a CLIP text model trained along. v-prediction."""

from __future__ import annotations

import torch

from p2p_attention.host.demo.shapes import UNET, UNET_HEADS, UNET_SAMPLING, UNET_TEXT, WIDTH

from .attention import override
from .boot import initialise
from .vocabulary import clip_vocabulary

START, END, AND, ABOVE = 49406, 49407, 537, 4348
ALONE, APART = 0.75, 2.0
ASKED = 3  # the first block of the way up whose features are 16×16
EMBEDDING = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"


class UNetModel(torch.nn.Module):
    """What is trained: `unet` and `text`. `losses` says how far the prediction is, and how words mix."""

    muon, adam = 0.012, 6e-4
    inner = UNET["model_channels"] * UNET["channel_mult"][1]
    edges = ("unet.input_blocks.0.0.weight", "unet.out.2.weight")

    def __init__(self, device: torch.device) -> None:
        from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel as HostUNet
        from comfy.model_sampling import ModelSamplingDiscrete
        from comfy.ops import disable_weight_init
        from transformers import CLIPTextConfig, CLIPTextModel

        super().__init__()
        self.vocabulary = clip_vocabulary()
        self.unet = HostUNet(**UNET, **UNET_HEADS, dtype=torch.float32, operations=disable_weight_init)
        initialise(self.unet, ("out_layers.3", "proj_out", "out.2"))
        config = CLIPTextConfig(
            vocab_size=len(self.vocabulary),
            max_position_embeddings=77,
            hidden_act="quick_gelu",
            **UNET_TEXT,
            attn_implementation="eager",
        )
        self.text = CLIPTextModel(config)
        initialise(self.text, ("self_attn.out_proj", "mlp.fc2"))
        self._features: list[torch.Tensor] = []
        self.unet.output_blocks[ASKED][-1].register_forward_hook(self._keep)

        class Settings:
            sampling_settings = UNET_SAMPLING

        self.sigmas = ModelSamplingDiscrete(Settings()).sigmas.to(device)
        self.to(device)

    def _keep(self, block: torch.nn.Module, inputs: object, output: torch.Tensor) -> None:
        self._features[:] = [output]

    def levels(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Where on the schedule to train, [B] in 0 … 1: mostly a little below the middle, a fifth anywhere."""
        middle = torch.sigmoid(torch.randn(count, generator=generator) * 0.8 - 0.5)
        return torch.where(torch.rand(count, generator=generator) < 0.2, torch.rand(count, generator=generator), middle)

    def tokens(self, prompts: list[str], device: torch.device) -> torch.Tensor:
        """Dense ids [B, 77]."""
        return torch.tensor([self.vocabulary.ids(text) for text in prompts], device=device)

    def contexts(self, ids: torch.Tensor, alone: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the UNet sees of dense ids [B, 77]: [B, 77, C], and how far words mix that should not, [B].

        End and padding, and the words of a lone thing, shall be what they are without the words before them; words of
        two things may look back. Otherwise the text model gathers the prompt in the padding, where neither a word's
        map nor its strength says anything about the word. `alone` [B]: give the UNet what they shall be.
        """
        mixed = self.text(input_ids=ids).last_hidden_state
        itself = torch.eye(ids.shape[1], dtype=torch.bool, device=ids.device)
        itself[:, 0] = True
        own = self.text(input_ids=ids, attention_mask=itself[None, None]).last_hidden_state
        two = torch.stack([ids == self.vocabulary.index(token) for token in (AND, ABOVE)]).any(0).any(1, keepdim=True)
        ends, single = ids == self.vocabulary.index(END), ~two
        apart = (ends | single).float()
        gap = (mixed - own.detach()).float().square().mean(-1) / own.detach().float().square().mean(-1)
        context = torch.where((ends | (single & alone[:, None]))[..., None], own, mixed)
        return context, (gap * apart).sum(1) / apart.sum(1)

    def losses(
        self, clean: torch.Tensor, noise: torch.Tensor, level: torch.Tensor, prompts: list[str], alone: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """v-prediction's error [B] (Salimans & Ho 2022) at levels [B], the mixing of words [B], weighed, and the inner
        features [B, 256, C].
        """
        t = (level * len(self.sigmas)).long().clamp(max=len(self.sigmas) - 1)
        sigma = self.sigmas[t].view(-1, 1, 1, 1)
        alpha, spread = 1 / (1 + sigma**2).sqrt(), sigma / (1 + sigma**2).sqrt()
        context, mixing = self.contexts(self.tokens(prompts, clean.device), alone)
        options = {"optimized_attention_override": override}
        predicted = self.unet(alpha * clean + spread * noise, t.float(), context=context, transformer_options=options)
        error = (predicted.float() - (alpha * noise - spread * clean)).square().mean((1, 2, 3))
        return error, APART * mixing, self._features.pop().flatten(2).mT

    def shipped(self, key: str) -> str:
        """A parameter's name under Stable Diffusion 1's own names."""
        part, name = key.split(".", 1)
        name = name.removeprefix("text_model.")
        return f"model.diffusion_model.{name}" if part == "unet" else f"cond_stage_model.transformer.text_model.{name}"

    def exported(self, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Weights under their shipped names, with the whole vocabulary."""
        out = {self.shipped(key): value for key, value in weights.items()}
        out[EMBEDDING] = self.vocabulary.whole(out[EMBEDDING], 49408)
        out["cond_stage_model.transformer.text_projection.weight"] = torch.eye(WIDTH)
        return out

    def imported(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Weights of a shipped file under the names here, with the words that are used."""
        state = {**state, EMBEDDING: self.vocabulary.used_rows(state[EMBEDDING])}
        return {key: state[self.shipped(key)] for key, _ in self.named_parameters()}
