"""After the run: source, target and their difference."""

import torch
from comfy_api.latest import io, ui

from ..p2p_attention.edits.plan import EditPlan
from ..p2p_attention.pictures.sheet import Panel, difference, sheet, stacked
from .names import COMPARE_NODE
from .node import Node
from .run_pictures import by_source
from .sockets import CATEGORY, Edit


class Compare(Node):
    """Puts source, target and difference side by side with their prompts."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_Compare",
            display_name=COMPARE_NODE,
            category=CATEGORY,
            description=(
                "Source, edited picture and their difference side by side, each with its prompt. The last two outputs "
                "are for the slider of Compare Images."
            ),
            search_aliases=["before after", "difference", "side by side"],
            is_output_node=True,
            inputs=[
                io.Image.Input("images", tooltip="All decoded pictures of the run."),
                Edit.Input("edit", tooltip="The edit that the run's Controller applied."),
                io.Float.Input(
                    "difference_gain",
                    default=1.0,
                    min=0.0,
                    max=100.0,
                    step=0.5,
                    tooltip="The difference between the pixels is multiplied by this; raise it to see small changes.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="comparison", tooltip="One sheet for each edited picture."),
                io.Image.Output(display_name="sources", tooltip="The source of each sheet, for Compare Images."),
                io.Image.Output(
                    display_name="targets", tooltip="The edited picture of each sheet, for Compare Images."
                ),
            ],
        )

    @classmethod
    def execute(cls, images: torch.Tensor, edit: EditPlan, difference_gain: float = 1.0) -> io.NodeOutput:
        sheets, sources, targets = [], [], []
        for source, pictures in by_source(images, edit):
            for target, picture in zip(edit.targets, pictures, strict=True):
                panels = [
                    Panel(source, edit.source.text),
                    Panel(picture, "\n".join((target.prompt.text, *target.settings))),
                    Panel(difference(source, picture, difference_gain), f"difference × {difference_gain:g}"),
                ]
                sheets.append(sheet([panels]))
                sources.append(source)
                targets.append(picture)
        comparison = stacked(sheets)
        preview = ui.PreviewImage(comparison, cls=cls)
        return io.NodeOutput(comparison, torch.stack(sources), torch.stack(targets), ui=preview)
