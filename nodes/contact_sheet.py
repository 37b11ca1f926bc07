"""After the run: a sweep at a glance."""

from collections.abc import Iterable
from dataclasses import replace

import torch
from comfy_api.latest import io, ui

from ..p2p_attention.edits.plan import EditPlan
from ..p2p_attention.errors import Part
from ..p2p_attention.host import log
from ..p2p_attention.host.findings import maps_if_watched
from ..p2p_attention.pictures.contact import contact_sheet
from ..p2p_attention.pictures.figures import compare, kept_by_words
from ..p2p_attention.pictures.sheet import Panel, stacked
from ..p2p_attention.run.record import NamedMap
from .names import SHEET_NODE, WATCH_NODE
from .node import Node
from .run_pictures import by_source
from .sockets import CATEGORY, Edit

NOT_WATCHED = (
    f"{SHEET_NODE}: none of the words that the edit is about is watched, so how well the rest is kept is not known. "
    f"Put {WATCH_NODE} into the edit, with these words or none."
)


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
                io.Latent.Input(
                    "samples",
                    optional=True,
                    tooltip=(
                        "The output of the run's sampler: writes below each picture how far it is from its source, and "
                        f"where {WATCH_NODE} watches the changed words, how well the rest of the picture is kept."
                    ),
                ),
            ],
            outputs=[io.Image.Output(display_name="sheet", tooltip="One sheet for each source.")],
        )

    @classmethod
    def execute(cls, images: torch.Tensor, edit: EditPlan, samples: io.Latent.Type | None = None) -> io.NodeOutput:
        maps = maps_if_watched(samples, Part.SHEET) if samples else ()
        sheets = []
        for number, (source, pictures) in enumerate(by_source(images, edit)):
            own = of_rows(maps, range(number * edit.rows, (number + 1) * edit.rows))
            keeps = kept_by_words(edit, own, (source.shape[0], source.shape[1])) if samples else []
            notes = [str(compare(source, *pair)) for pair in zip(pictures, keeps, strict=False)]
            panel = Panel(source, f"source: {edit.source.text}")
            sheets.append(contact_sheet(panel, edit.targets, list(pictures), notes))
        if samples and all(keep is None for keep in keeps):
            log.warn(NOT_WATCHED)
        made = stacked(sheets)
        return io.NodeOutput(made, ui=ui.PreviewImage(made, cls=cls))


def of_rows(maps: Iterable[NamedMap], rows: range) -> list[NamedMap]:
    """Those of the maps that are of these rows of the batch, their rows counted from the first of these."""
    return [replace(one, row=one.row - rows.start) for one in maps if one.row in rows]
