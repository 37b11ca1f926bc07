"""The nodes' names in the menu."""

from ..p2p_attention.errors import Part

ENCODE_NODE = "P2P Encode Prompt Pair"
SWAP_NODE = "P2P Word Swap"
REFINE_NODE = "P2P Refine"
REWEIGHT_NODE = "P2P Reweight"
BLEND_NODE = "P2P Local Blend"
WATCH_NODE = "P2P Watch Words"
INVERSION_NODE = "P2P DDIM Inversion"
VIRTUAL_NODE = "P2P Virtual Inversion"
CONTROLLER_NODE = "P2P Attention Controller"
EDIT_NODE = "P2P Edit"
PRESET_NODE = "P2P Window Preset"
ALIGNMENT_NODE = "P2P Alignment View"
MAPS_NODE = "P2P Attention Maps"
MASK_NODE = "P2P Blend Mask"
COMPARE_NODE = "P2P Compare"
SHEET_NODE = "P2P Contact Sheet"
DEMO_NODE = "P2P Load Demo Model"

START_ALIASES = [
    *("prompt to prompt", "prompt2prompt", "p2p", "edit image", "image edit", "change word", "keep composition"),
]
"""What a newcomer types into the editor's search; only the nodes to start with answer to it."""

NAMES = {
    Part.ENCODE: ENCODE_NODE,
    Part.SWAP: SWAP_NODE,
    Part.REFINE: REFINE_NODE,
    Part.REWEIGHT: REWEIGHT_NODE,
    Part.BLEND: BLEND_NODE,
    Part.WATCH: WATCH_NODE,
    Part.INVERSION: INVERSION_NODE,
    Part.VIRTUAL: VIRTUAL_NODE,
    Part.CONTROLLER: CONTROLLER_NODE,
    Part.MAPS: MAPS_NODE,
    Part.MASK: MASK_NODE,
    Part.SHEET: SHEET_NODE,
}
