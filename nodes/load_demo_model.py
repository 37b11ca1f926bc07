"""A model to try the pack with, without a checkpoint."""

from comfy_api.latest import io

from ..p2p_attention.host.demo.model import Demo, load
from .names import DEMO_NODE
from .node import Node
from .sockets import CATEGORY


class LoadDemoModel(Node):
    """Loads one of the pack's own small text-to-image models, of coloured shapes or of picture-book things."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_LoadDemoModel",
            display_name=DEMO_NODE,
            category=CATEGORY,
            description=(
                'Small diffusion models that come with the pack. "shapes" draws 32×32 pictures such as "a large red '
                'striped circle on a blue background": red, green, blue, yellow, white, black; circle, square, '
                'triangle, cross, heart; striped, dotted; small, large. "UNet" and "transformer" draw 128×128 '
                'pictures such as "a striped red cat on the snowy grass": cat, dog, rabbit, bird, fish, butterfly, '
                "car, boat, rocket, house, tree, flower, mushroom, apple, cake, cup, hat, ball, star, heart; red, "
                "orange, yellow, green, blue, purple, pink, brown; striped, spotted, checked; small, big; on the "
                "snowy or flowery grass, on the beach, in the snow, at night, on a starry night, on a blue "
                "background; pixel art of, a pencil drawing of, a neon sign of."
            ),
            search_aliases=["example model", "tiny model"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=[demo.value for demo in Demo],
                    default=Demo.SHAPES.value,
                    optional=True,
                    tooltip=(
                        "shapes and UNet are of Stable Diffusion 1's family (scheduler normal), transformer is of "
                        "Chroma's and Flux's (scheduler simple). UNet and transformer are still being trained."
                    ),
                )
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="An ordinary MODEL."),
                io.Clip.Output(display_name="clip", tooltip="Its text encoder, with the family's own tokenizer."),
                io.Vae.Output(display_name="vae", tooltip="Its VAE; that of shapes has pixels for latents."),
            ],
        )

    @classmethod
    def execute(cls, model: str = Demo.SHAPES.value) -> io.NodeOutput:
        return io.NodeOutput(*load(Demo(model)))
