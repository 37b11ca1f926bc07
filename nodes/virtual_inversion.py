"""For a real picture: edit it in a few steps, without an inversion before."""

from comfy_api.latest import io

from ..p2p_attention.source.virtual import VirtualInversion
from .names import CONTROLLER_NODE, VIRTUAL_NODE
from .node import Node
from .sockets import CATEGORY, InversionType


class VirtualInversionNode(Node):
    """Edits an encoded picture from noise that is added to it (Xu et al. 2024, "Inversion-Free Image Editing"); on flow
    models under euler this is FlowEdit (Kulikov et al. 2025), with its fresh noise where that is asked for.
    """

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_VirtualInversion",
            display_name=VIRTUAL_NODE,
            category=CATEGORY,
            description=(
                f"Edits a real picture without inverting it: connect it and the encoded picture to {CONTROLLER_NODE}. "
                "The source stays exact in any number of steps, with any sampler; lcm is the paper's."
            ),
            search_aliases=["prompt to prompt", "real image", "infedit", "inversion free", "lcm", "turbo", "flowedit"],
            inputs=[
                io.Boolean.Input(
                    "plain_source",
                    default=False,
                    tooltip=(
                        "The source is predicted without guidance, as the paper has it: the edit is stronger, and less "
                        "of the picture is kept."
                    ),
                ),
                io.Boolean.Input(
                    "fresh_noise",
                    default=False,
                    optional=True,
                    tooltip=(
                        "Every step sees the picture with new noise, whatever the sampler, as FlowEdit has it; off, "
                        "the sampler's own."
                    ),
                ),
            ],
            outputs=[
                InversionType.Output(display_name="inversion", tooltip="For the Attention Controller."),
            ],
        )

    @classmethod
    def execute(cls, plain_source: bool = False, fresh_noise: bool = False) -> io.NodeOutput:
        return io.NodeOutput(VirtualInversion(bool(plain_source), bool(fresh_noise)))
