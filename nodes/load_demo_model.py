"""A model to try the pack with, without a checkpoint."""

from comfy_api.latest import io

from ..p2p_attention.host.demo.model import load
from .names import DEMO_NODE
from .node import Node
from .sockets import CATEGORY


class LoadDemoModel(Node):
    """Loads the pack's own small text-to-image model of coloured shapes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_LoadDemoModel",
            display_name=DEMO_NODE,
            category=CATEGORY,
            description=(
                "A small diffusion model that comes with the pack, for 32×32 pictures of coloured shapes such as "
                '"a large red striped circle on a blue background". Words it knows: red, green, blue, yellow, white, '
                "black; circle, square, triangle, cross, heart; plain, striped, dotted; small, large."
            ),
            search_aliases=["example model", "tiny model"],
            inputs=[],
            outputs=[
                io.Model.Output(display_name="model", tooltip="An ordinary MODEL of 32×32 pixels."),
                io.Clip.Output(display_name="clip", tooltip="Its text encoder, with Stable Diffusion 1's tokenizer."),
                io.Vae.Output(display_name="vae", tooltip="Its VAE: the latents are the pixels."),
            ],
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        return io.NodeOutput(*load())
