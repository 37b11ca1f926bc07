"""`make workflows`: writes the shared workflows, each as an API file and as a template for the graph editor.

A workflow is written down once, here, as its nodes in the API's form; the editor's file (links, widgets, places) is
made from that and from what the real server says about the nodes.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import blueprints
from editor_file import to_editor
from families import FAMILIES
from graph import COMPARE, EDIT, PICTURES, SAMPLE, Workflow
from own_checkpoint import CHECKPOINTS
from painted_mask import paint_mask
from picture_book import PICTURE_BOOK
from real_pictures import REAL_PICTURES
from server import ROOT, make_base, serve
from titles import TITLES

FOLDER = ROOT / "workflows"
API = FOLDER / "api", FOLDER / "api" / "own_checkpoint"
OWN_SDXL = (
    "**Your SDXL checkpoint:** replace *P2P Load Demo Model* with *Load Checkpoint*, set the latent to 1024×1024 (or "
    "1216×832, and so on) and cfg to about 7. Both text encoders get the prompts.\n\n"
    "SDXL looks at words where its layers have 1/2 and 1/4 of the latent's size: `self_resolution` and "
    "`map_resolution` of 1/4 are 32×32 at 1024 pixels."
)
REWEIGHTED = "a yellow house on the flowery grass"
STRENGTHS, ENDS = "0, 0.5, 2, 4", "0.1, 0.3, 0.5, 0.8"


def edit() -> Workflow:
    """All in one node, to start with."""
    flow = Workflow(
        "edit",
        "## One node\nChange words of the target prompt and press **Run**. Below the prompts one sees which words are "
        "kept and which are swapped. `keep` says how much of the picture stays; `words` takes a line for a single "
        "word, such as *yellow: strength 2* or *blend: car*.",
    )
    flow.load_demo()
    flow.empty()
    flow.note(flow.own)
    edited = flow.whole_edit(
        "a big red car on a blue background",
        "a big yellow car on a blue background",
        model=flow.model,
        clip=flow.clip,
        latent=flow.latent,
    )
    flow.stage(SAMPLE)
    flow.add_negative()
    flow.sampler = flow.sample("Both pictures in one batch", [edited, 0], [edited, 1], [edited, 2], 2)
    flow.stage(PICTURES)
    flow.pictures("Source and edit", flow.sampler, flow.name)
    return flow


def word_swap() -> Workflow:
    """One word for another, with the same seed without Prompt-to-Prompt beside it."""
    flow = Workflow(
        "word_swap",
        "## Word swap\nChange one word of *The edited prompt* and press **Run**: another thing, colour or place. The "
        "picture keeps its layout; only what the word names changes.",
    )
    target = "a big orange dog on the beach"
    flow.begin("a big orange cat on the beach", target)
    flow.swap()
    flow.finish(seed=2, controller=EDIT)
    flow.share("target_prompt", "The edited prompt")
    flow.stage(COMPARE, below=True)
    alone = flow.add("CLIPTextEncode", "The edited prompt by itself", clip=flow.clip, text=[flow.shared, 0])
    flow.note(
        "**Windows** say in which part of the run the source's attention is used.\n\n- Word Swap `end_percent`: "
        "lower it and the shape may change more.\n- `self_end_percent`: higher keeps shapes and background closer; "
        "0 switches it off.\n\nA new seed goes into both samplers."
    )
    plain = flow.sample("The same seed without the edit", flow.model, [alone, 0], flow.latent, 2)
    flow.pictures("Without Prompt-to-Prompt", plain, "without")
    return flow


def refine() -> Workflow:
    """A word added."""
    flow = Workflow(
        "refine",
        "## Refine\nAdd words to the target prompt. Words that both prompts share take the source's attention; the new "
        "ones find their own place.",
    )
    flow.begin("a big blue fish on a pink background", "a big striped blue fish on a pink background")
    flow.then("P2P_Refine", "P2P Refine", start_percent=0.0, end_percent=0.8, word_windows="", end_percent_sweep="")
    flow.finish(seed=4)
    compared = flow.add("P2P_Compare", "P2P Compare", images=flow.decoded, edit=flow.edit, difference_gain=1.0)
    flow.save("Source, edit, difference", [compared, 0], "compared")
    return flow


def reweight() -> Workflow:
    """The paper's fader: one word at several strengths."""
    flow = Workflow(
        "reweight",
        "## Reweight\nMore or less of a word: the target is made once for each strength of `strength_sweep`, all in "
        "one batch with one source. Empty the sweep to use `strength` alone. To take away what a word draws, go below "
        "0: strength 0 only takes its attention, and other words and layers know of it still.",
    )
    prompt = REWEIGHTED
    flow.begin(prompt, prompt)
    flow.then(
        "P2P_Reweight",
        "P2P Reweight",
        words="flowery",
        strength=1.0,
        start_percent=0.0,
        end_percent=0.8,
        strength_sweep=STRENGTHS,
        renormalise=False,
        scale="map",
    )
    flow.finish(seed=2)
    return flow


def local_blend() -> Workflow:
    """An edit that stays in its place, with the mask it found."""
    flow = Workflow(
        "local_blend",
        "## Local blend\nOutside the mask the edited picture is the source, bit for bit. The mask is where the model "
        "looks for the `words`; empty, for those that changed. Look at the mask, move the threshold, leave words out, "
        "or connect a mask of your own.",
    )
    flow.begin("a big red mushroom on the flowery grass", "a big purple mushroom on the flowery grass")
    flow.swap()
    flow.blend("mushroom")
    flow.finish(seed=2)
    mask = flow.add("P2P_BlendMask", "P2P Blend Mask", samples=[flow.sampler, 0])
    picture = flow.add("MaskToImage", "Convert Mask to Image", mask=[mask, 0])
    flow.save("The mask", [picture, 0], "mask")
    return flow


def many_targets() -> Workflow:
    """One source, several edits, one batch."""
    flow = Workflow(
        "many_targets",
        "## Many targets\nMore target prompts, one per line: each makes one more picture of the same source in the "
        "same batch, and the more there are the less each costs.",
    )
    flow.begin(
        "a big pink rabbit on the grass",
        "a big blue rabbit on the grass",
        more="a big pink cat on the grass\na big pink rabbit in the snow\na big pink rabbit at night",
    )
    flow.swap()
    flow.finish(seed=2)
    return flow


def attention_maps() -> Workflow:
    """Where the model looked for each word."""
    flow = Workflow(
        "attention_maps",
        "## Attention maps\nWatch Words records where the model looks for words of the prompts (empty: all of them); "
        "Attention Maps shows it over the pictures of the same run, the source's words first.",
    )
    flow.begin("a red cat and a blue ball on the beach", "a red dog and a blue ball on the beach")
    flow.swap()
    flow.then("P2P_WatchWords", "P2P Watch Words", words="cat, dog, ball, beach", map_resolution="auto")
    flow.finish(seed=1)
    maps = flow.add(
        "P2P_AttentionMaps",
        "P2P Attention Maps",
        samples=[flow.sampler, 0],
        images=flow.decoded,
        over_the_picture=True,
        label=True,
    )
    flow.save("The words' maps", [maps, 0], "maps")
    return flow


def sweep() -> Workflow:
    """One edit with several windows, on one labelled sheet, and what feeds what before anything runs."""
    flow = Workflow(
        "sweep",
        "## Sweep\nWhich window? Every end of `end_percent_sweep` makes a picture of its own, all in one batch with "
        "one source, and the contact sheet labels them: the earlier the swap ends, the freer the shape. The alignment "
        "view shows, before sampling, which word feeds which.",
    )
    flow.begin("a big pink flower on a green background", "a big pink cake on a green background")
    window = {"start_percent": 0.0, "end_percent": 0.8}
    flow.then("P2P_WordSwap", "P2P Word Swap", **window, word_windows="", end_percent_sweep=ENDS)
    flow.add("P2P_AlignmentView", "P2P Alignment View", edit=flow.edit)
    flow.finish(seed=2)
    sheet = flow.add("P2P_ContactSheet", "P2P Contact Sheet", images=flow.decoded, edit=flow.edit)
    flow.add("SaveImage", "The sheet", images=[sheet, 0], filename_prefix="p2p/sweep_sheet")
    return flow


def sdxl() -> Workflow:
    """Settings for SDXL."""
    flow = Workflow(
        "sdxl",
        "## SDXL\nA swap and a local blend with what SDXL wants. As it comes it runs on the demo model; the note below "
        "says how to put your own checkpoint in.",
        OWN_SDXL,
    )
    flow.begin("a big yellow bird at night", "a big red bird at night")
    flow.swap()
    flow.blend("bird")
    flow.finish(seed=1)
    return flow


DEMO = [edit, word_swap, refine, reweight, local_blend, many_targets, attention_maps, sweep, sdxl]
DEMO += [*PICTURE_BOOK, *REAL_PICTURES, paint_mask]
OWN = CHECKPOINTS + FAMILIES


def main() -> None:
    """Write all files."""
    with tempfile.TemporaryDirectory() as base, serve(make_base(Path(base))) as server:
        info = json.loads(server.get("/object_info"))
    for make in (*DEMO, *OWN):
        flow = make()
        for path, content in (
            (API[make in OWN] / f"{flow.name}.json", flow.nodes),
            (FOLDER / f"{TITLES[flow.name]}.json", to_editor(flow.name, flow.nodes, flow.notes, flow.stages, info)),
        ):
            path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
            print(path.relative_to(ROOT))
    blueprints.write(info)


if __name__ == "__main__":
    main()
