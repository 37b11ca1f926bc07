"""A model to try the pack with, without a checkpoint."""

from comfy_api.latest import io

from ..p2p_attention.errors import EditError
from ..p2p_attention.host import log
from ..p2p_attention.host.demo.model import Demo, load
from .literals import verdict
from .names import DEMO_NODE
from .node import Node
from .sockets import CATEGORY

SHAPES = "shapes"
"""What an older workflow may say: a model of coloured shapes that has left the pack."""


class LoadDemoModel(Node):
    """Loads one of the pack's own small text-to-image models, of picture-book things."""

    with_more_choices = ("model",)

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_LoadDemoModel",
            display_name=DEMO_NODE,
            category=CATEGORY,
            description=(
                'Small diffusion models that come with the pack. Both draw 128×128 pictures such as "a striped red cat '
                'on the snowy grass": cat, dog, rabbit, bird, fish, butterfly, car, boat, rocket, house, tree, flower, '
                "mushroom, apple, cake, cup, hat, ball, star, heart; red, orange, yellow, green, blue, purple, pink, "
                "brown; striped, spotted, checked; small, big; on the snowy or flowery grass, on the beach, in the "
                "snow, at night, on a starry night, on a blue background; pixel art of, a pencil drawing of, a neon "
                "sign of."
            ),
            search_aliases=["example model", "tiny model"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=[demo.value for demo in Demo],
                    default=Demo.UNET.value,
                    optional=True,
                    tooltip=(
                        "UNet is of Stable Diffusion 1's family (scheduler normal), transformer is of Chroma's and "
                        "Flux's (scheduler simple)."
                    ),
                )
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="An ordinary MODEL."),
                io.Clip.Output(display_name="clip", tooltip="Its text encoder, with the family's own tokenizer."),
                io.Vae.Output(display_name="vae", tooltip="Its VAE, the same for both."),
            ],
        )

    @classmethod
    def validate_inputs(cls, model: str | None = None) -> bool | str:
        """Takes the place of the host's check of the choices, which would refuse workflows that say "shapes"."""
        said = verdict(lambda: model is None or chosen(model))
        return said if said is True else f"{DEMO_NODE}: {said}"

    @classmethod
    def execute(cls, model: str = Demo.UNET.value) -> io.NodeOutput:
        demo = chosen(model)
        if model == SHAPES:
            log.warn(
                f'{DEMO_NODE}: "{SHAPES}", the model of coloured shapes, has left the pack; {demo.value} is loaded in '
                "its place. It draws pictures of 128×128 and knows other words: set the Empty Latent Image to 128×128 "
                f"and model to {demo.value}, and write prompts with the words that this node's description lists."
            )
        return io.NodeOutput(*load(demo))


def chosen(model: str) -> Demo:
    """The model of a name, also of one that has left; raises EditError for any other."""
    if model == SHAPES:
        return Demo.UNET
    try:
        return Demo(model)
    except ValueError:
        names = " or ".join(demo.value for demo in Demo)
        raise EditError(f"there is no demo model {model!r:.100}", f"Choose {names}.") from None
