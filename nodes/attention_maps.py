"""After the run: where the model looked for each word."""

import torch
from comfy_api.latest import io, ui

from ..p2p_attention.errors import EditError
from ..p2p_attention.host.findings import watched_maps
from ..p2p_attention.pictures.grid import grid
from ..p2p_attention.pictures.heat import colour, overlay, place, stretch
from ..p2p_attention.pictures.text import labelled
from .names import MAPS_NODE
from .node import Node
from .sockets import CATEGORY


class AttentionMaps(Node):
    """Gives the cross-attention maps of the words that a run has watched (Hertz et al. 2022, figure 4)."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_AttentionMaps",
            display_name=MAPS_NODE,
            category=CATEGORY,
            description=(
                "Where the model looked for each word that P2P Watch Words names, averaged over steps and layers: as "
                "labelled pictures, over the pictures they belong to, and as masks."
            ),
            search_aliases=["attention map", "heatmap", "daam"],
            is_output_node=True,
            inputs=[
                io.Latent.Input("samples", tooltip="The output of a sampler that ran with watched words."),
                io.Image.Input("images", tooltip="The decoded pictures of the same run, all of them."),
                io.Boolean.Input(
                    "over_the_picture",
                    default=True,
                    tooltip="Show the map over its picture; off shows the map by itself, in colours.",
                ),
                io.Boolean.Input("label", default=True, tooltip="Write the word below each map."),
            ],
            outputs=[
                io.Image.Output(
                    display_name="maps", tooltip="One picture for each word of each prompt, the source's first."
                ),
                io.Mask.Output(display_name="masks", tooltip="The same maps as masks, each from 0 to 1."),
            ],
        )

    @classmethod
    def execute(
        cls, samples: io.Latent.Type, images: torch.Tensor, over_the_picture: bool, label: bool
    ) -> io.NodeOutput:
        maps = watched_maps(samples)
        rows = samples["samples"].shape[0]
        if images.shape[0] != rows:
            raise EditError(
                f"there are {images.shape[0]} pictures for a run of {rows}",
                "Connect the decoded pictures of the same samples.",
            )
        masks, pictures = [], []
        for word_map in maps:
            picture = images[word_map.row, ..., :3].cpu()
            masks.append(stretch(word_map.map, (picture.shape[0], picture.shape[1])))
            shown = overlay(picture, masks[-1]) if over_the_picture else colour(masks[-1])
            pictures.append(labelled(shown, word_map.name) if label else shown)
        shown_maps = torch.stack(pictures)
        preview = ui.PreviewImage(shown_maps, cls=cls)
        for file, word_map, mask in zip(preview.values, maps, masks, strict=True):
            # the editor shows a word's pictures beside the word, and the words of a place: web/js/heat.js
            file["p2p_map"] = {
                "name": word_map.name,
                "place": place(mask),
                "row": word_map.row,
                "above_label": mask.shape[0] / shown_maps.shape[1],
                "shares": grid(word_map.map),
            }
        return io.NodeOutput(shown_maps, torch.stack(masks), ui=preview)
