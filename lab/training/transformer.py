"""The transformer: the host's Chroma with narrow widths and a T5 text model trained along. Rectified flow.

Chroma, because its prompts are not padded (12 to 25 text tokens where Flux has 256), it has no pooled vector, and its
blocks are Flux's own, so what edits it edits Flux. A token is 2×2 latents, 8×8 pixels: 16×16 tokens a picture.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from p2p_attention.host.demo.shapes import CHROMA, CHROMA_TEXT, PATCH

from .attention import attention
from .boot import initialise
from .vocabulary import t5_vocabulary

HIDDEN, HEADS = CHROMA["hidden_size"], CHROMA["num_heads"]
DOUBLE, SINGLE = CHROMA["depth"], CHROMA["depth_single_blocks"]
MODULATIONS = 344
NEAR, APART = 3, 1.0
BIAS = "text.encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
QUERIES = tuple(f"text.encoder.block.{i}.layer.0.SelfAttention.{x}.weight" for i in range(2) for x in "qk")
LOOKS, FIRMLY, BUCKETS = ((-1,), (-2, -3), (1,), (2, 3)), 4.0, 32
EMBEDDING = "text_encoders.t5xxl.transformer.shared.weight"


class TransformerModel(torch.nn.Module):
    """What is trained: `net` and `text`. `losses` says how far the prediction is, and how words mix."""

    muon, adam = 0.01, 1e-3
    inner = HIDDEN
    edges = ("net.img_in.weight", "net.final_layer.linear.weight", "net.distilled_guidance_layer.out_proj.weight",
             BIAS, *QUERIES)  # fmt: skip

    def __init__(self, device: torch.device) -> None:
        from comfy.ldm.chroma.model import Chroma
        from comfy.ops import disable_weight_init
        from transformers import T5Config, T5EncoderModel

        super().__init__()
        self.vocabulary = t5_vocabulary()
        self.net = Chroma(**CHROMA, dtype=torch.float32, operations=disable_weight_init)
        initialise(self.net, ("distilled_guidance_layer.out_proj", "final_layer.linear"))
        config = T5Config(
            vocab_size=len(self.vocabulary), dropout_rate=0.0, feed_forward_proj="gated-gelu", use_cache=False,
            is_encoder_decoder=False, **CHROMA_TEXT,
        )  # fmt: skip
        self.text = T5EncoderModel(config)
        look_around(self.text)
        self.to(device)

    def levels(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Where on the path from the picture (0) to noise (1) to train, [B]."""
        return torch.sigmoid(torch.randn(count, generator=generator) + 0.3)

    def tokens(self, prompts: list[str], device: torch.device) -> torch.Tensor:
        """Dense ids [B, T] of prompts of equal length."""
        return torch.tensor([self.vocabulary.ids(text) for text in prompts], device=device)

    def contexts(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The states of dense ids [B, T]: [B, T, C], and how far they hold what words more than three away say, [B]."""
        mixed = self.text(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        at = torch.arange(ids.shape[1], device=ids.device)
        far = (at[:, None] - at).abs() > NEAR
        far[-1] = at < ids.shape[1] - 1
        mask = torch.zeros(far.shape, device=ids.device).masked_fill(far, -1e9)[None, None]
        own = self.text(input_ids=ids, attention_mask=mask).last_hidden_state.detach()
        return mixed, (mixed - own).float().square().mean((1, 2)) / own.float().square().mean((1, 2))

    def predict(self, x: torch.Tensor, t: torch.Tensor, context: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The host's Chroma on x [B, C, H, W] at t [B] with context [B, T, W], with its weights, written for training.

        Returns the velocity [B, C, H, W] and the image tokens after the first single block, [B, H·W/4, C].
        The host's own forward updates its streams in place, which autograd refuses; a test holds the two equal.
        """
        b, c, h, w = x.shape
        img = x.view(b, c, h // PATCH, PATCH, w // PATCH, PATCH).permute(0, 2, 4, 1, 3, 5).reshape(b, -1, c * PATCH**2)
        img, txt = self.net.img_in(img), self.net.txt_in(context)
        mods = self._modulations(t)
        rope = rotations(txt.shape[1], h // PATCH, w // PATCH, x.device)
        for i, block in enumerate(self.net.double_blocks):
            at = 3 * SINGLE + 6 * i
            mi, mt = mods[:, at : at + 6], mods[:, at + 6 * DOUBLE : at + 6 * DOUBLE + 6]
            parts = [heads(a.qkv(modulated(s, m[:, 0], m[:, 1])), a.norm)
                     for a, s, m in ((block.txt_attn, txt, mt), (block.img_attn, img, mi))]  # fmt: skip
            out = attend(*(torch.cat(pair, 2) for pair in zip(*parts, strict=True)), rope)
            img = img + mi[:, 2, None] * block.img_attn.proj(out[:, txt.shape[1] :])
            img = img + mi[:, 5, None] * block.img_mlp(modulated(img, mi[:, 3], mi[:, 4]))
            txt, before = txt + mt[:, 2, None] * block.txt_attn.proj(out[:, : txt.shape[1]]), txt.shape[1]
            txt = txt + mt[:, 5, None] * block.txt_mlp(modulated(txt, mt[:, 3], mt[:, 4]))
        both, before = torch.cat((txt, img), 1), txt.shape[1]
        for i, block in enumerate(self.net.single_blocks):
            m = mods[:, 3 * i : 3 * i + 3]
            qkv, mlp = block.linear1(modulated(both, m[:, 0], m[:, 1])).split([3 * HIDDEN, 4 * HIDDEN], -1)
            out = torch.cat((attend(*heads(qkv, block.norm), rope), block.mlp_act(mlp)), 2)
            both = both + m[:, 2, None] * block.linear2(out)
            if i == 0:
                inner = both[:, before:]
        last = self.net.final_layer.linear(modulated(both[:, before:], mods[:, -2], mods[:, -1]))
        last = last.view(b, h // PATCH, w // PATCH, c, PATCH, PATCH).permute(0, 3, 1, 4, 2, 5)
        return last.reshape(b, c, h, w), inner

    def _modulations(self, t: torch.Tensor) -> torch.Tensor:
        """The rows [B, n, HIDDEN] of the host's 344 modulations that this depth uses, the last two at the end."""
        from comfy.ldm.flux.layers import timestep_embedding

        used = [*range(3 * SINGLE + 12 * DOUBLE), MODULATIONS - 2, MODULATIONS - 1]
        index = timestep_embedding(torch.tensor(used, device=t.device), 32)
        level = torch.cat((timestep_embedding(t, 16), timestep_embedding(torch.zeros_like(t), 16)), 1)
        level = level[:, None].expand(-1, len(used), -1)
        return self.net.distilled_guidance_layer(torch.cat((level, index[None].expand(len(t), -1, -1)), -1))

    def losses(
        self, clean: torch.Tensor, noise: torch.Tensor, level: torch.Tensor, prompts: list[str], alone: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The velocity's error [B] at levels [B], the mixing of words [B], weighed, and inner features [B, 256, C]."""
        t = level.view(-1, 1, 1, 1)
        context, mixing = self.contexts(self.tokens(prompts, clean.device))
        predicted, inner = self.predict(t * noise + (1 - t) * clean, level, context)
        error = (predicted.float() - (noise - clean)).square().mean((1, 2, 3))
        return error, APART * mixing, inner

    def shipped(self, key: str) -> str:
        """A parameter's name in a Chroma checkpoint."""
        part, name = key.split(".", 1)
        return f"model.diffusion_model.{name}" if part == "net" else f"text_encoders.t5xxl.transformer.{name}"

    def exported(self, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Weights under their shipped names, with the whole vocabulary."""
        out = {self.shipped(key): value for key, value in weights.items() if "embed_tokens" not in key}
        out[EMBEDDING] = self.vocabulary.whole(out[EMBEDDING], 32128)
        return out

    def imported(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Weights of a shipped file under the names here, with the words that are used."""
        state = {**state, EMBEDDING: self.vocabulary.used_rows(state[EMBEDDING])}
        return {key: state[self.shipped(key)] for key, _ in self.named_parameters()}


@torch.no_grad()
def look_around(text: torch.nn.Module) -> None:
    """Make each head of a T5 model begin by looking at words near by, before and behind.

    Chroma's text tokens have no positions, so which colour is whose the text model alone can say; and T5's attention,
    whose scores are not scaled down, grows so large under Muon that its own biases never learn where words stand. (So
    queries and keys are AdamW's, too.)
    """
    bias = text.get_parameter(BIAS.removeprefix("text."))
    bias.zero_()
    for head, offsets in enumerate(LOOKS):
        for offset in offsets:
            bias[BUCKETS // 2 * (offset > 0) + abs(offset), head] = FIRMLY


def modulated(x: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Layer norm of x [B, L, C] with a shift and scale [B, C]."""
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale[:, None]) + shift[:, None]


def heads(qkv: torch.Tensor, norm: torch.nn.Module) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries, keys (both normalised) and values [B, H, L, D] of [B, L, 3·H·D]."""
    q, k, v = qkv.view(*qkv.shape[:2], 3, HEADS, -1).permute(2, 0, 3, 1, 4)
    return (*norm(q, k, v), v)


def rotations(text: int, rows: int, columns: int, device: torch.device) -> torch.Tensor:
    """Rotary positions, complex [L, D/2]: text at 0, image tokens at their row and column."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    at = torch.stack((torch.zeros(rows * columns), y.flatten(), x.flatten()), 1)
    at = torch.cat((torch.zeros(text, 3), at))
    angles = []
    for axis, size in enumerate(CHROMA["axes_dim"]):
        omega = 1.0 / CHROMA["theta"] ** (torch.arange(0, size, 2, dtype=torch.float64) / size)
        angles.append(at[:, axis, None].double() * omega)
    angle = torch.cat(angles, 1)
    return torch.polar(torch.ones_like(angle), angle).to(torch.complex64).to(device)


def rotate(x: torch.Tensor, rope: torch.Tensor) -> torch.Tensor:
    """Turn the pairs of x [B, H, L, D]."""
    turned = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)).contiguous()) * rope
    return torch.view_as_real(turned).flatten(-2).to(x.dtype)


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, rope: torch.Tensor) -> torch.Tensor:
    """Attention of [B, H, L, D] with rotary positions: [B, L, H·D]."""
    return attention(rotate(q, rope), rotate(k, rope), v).transpose(1, 2).flatten(2)
