"""After the run: where the local blend let the picture change."""

from comfy_api.latest import io, ui

from ..p2p_attention.host.findings import blend_masks
from .names import BLEND_NODE, MASK_NODE
from .node import Node
from .sockets import CATEGORY


class BlendMask(Node):
    """Gives the mask that a run's local blend found."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_BlendMask",
            display_name=MASK_NODE,
            category=CATEGORY,
            description=f"The mask that {BLEND_NODE} found in the run that made these samples, to look at or to use.",
            search_aliases=["mask preview", "local blend mask"],
            is_output_node=True,
            inputs=[io.Latent.Input("samples", tooltip="The output of a sampler that ran with a local blend.")],
            outputs=[
                io.Mask.Output(display_name="mask", tooltip="One mask for each target, as large as the pictures.")
            ],
        )

    @classmethod
    def execute(cls, samples: io.Latent.Type) -> io.NodeOutput:
        masks = blend_masks(samples)
        return io.NodeOutput(masks, ui=ui.PreviewMask(masks, cls=cls))
