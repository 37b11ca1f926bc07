"""After the run: a sweep at a glance."""

import torch
from comfy_api.latest import io, ui

from ..p2p_attention.edits.plan import EditPlan
from ..p2p_attention.pictures.contact import contact_sheet
from ..p2p_attention.pictures.sheet import Panel, stacked
from .names import SHEET_NODE
from .node import Node
from .run_pictures import by_source
from .sockets import CATEGORY, Edit


class ContactSheet(Node):
    """Puts all pictures of a sweep on one labelled sheet (Hertz et al. 2022, figures 6 and 9)."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_ContactSheet",
            display_name=SHEET_NODE,
            category=CATEGORY,
            description=(
                "All pictures of one source on one sheet, labelled with their settings: the last sweep of the chain "
                "runs to the right, the one before it downwards, and so do several prompts."
            ),
            search_aliases=["grid", "xy plot", "sweep", "labels"],
            is_output_node=True,
            inputs=[
                io.Image.Input("images", tooltip="All decoded pictures of the run."),
                Edit.Input("edit", tooltip="The edit that the run's Controller applied."),
            ],
            outputs=[io.Image.Output(display_name="sheet", tooltip="One sheet for each source.")],
        )

    @classmethod
    def execute(cls, images: torch.Tensor, edit: EditPlan) -> io.NodeOutput:
        sheets = [
            contact_sheet(Panel(source, f"source: {edit.source.text}"), edit.targets, list(pictures))
            for source, pictures in by_source(images, edit)
        ]
        made = stacked(sheets)
        return io.NodeOutput(made, ui=ui.PreviewImage(made, cls=cls))
