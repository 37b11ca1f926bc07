"""The names of the shared workflows' editor files, in the order in which people should meet them.

The host has no other title for a pack's template than its file's name, searches nothing else, and does not order them.
The API files keep the short names.
"""

from __future__ import annotations

PREFIX = "Prompt to Prompt"
ORDER = {
    "edit": "Edit in one node",
    "checkpoint_sd15": "Your SD 1.5 checkpoint",
    "checkpoint_sdxl": "Your SDXL checkpoint",
    "check_checkpoint": "Check my checkpoint",
    "word_swap": "Swap a word",
    "refine": "Add words",
    "reweight": "More or less of a word",
    "local_blend": "Change one thing only",
    "many_targets": "Many edits at once",
    "sweep": "Try several windows",
    "attention_maps": "See where the model looks",
    "real_image": "Edit a picture of yours",
    "sdxl": "Settings for SDXL",
    "picture_book": "A picture book",
    "transformer": "A transformer",
    "flux1": "Flux.1",
    "qwen_image": "Qwen-Image",
    "z_image": "Z-Image",
    "anima": "Anima",
    "few_steps": "Edit a picture in 8 steps",
    "paint_mask": "Paint where it may change",
}
TITLES = {name: f"{PREFIX} {number:02d} {title}" for number, (name, title) in enumerate(ORDER.items(), start=1)}
