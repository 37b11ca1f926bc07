"""The shared workflow in which one paints where the edit may change something."""

from __future__ import annotations

from graph import EDIT, Workflow


def paint_mask() -> Workflow:
    """A local blend by words, and by a mask that is painted over the source picture."""
    flow = Workflow(
        "paint_mask",
        "## Paint where it may change\n1. **Run**: where the changed words are, the edit may change something.\n2. In "
        "the menu of *P2P Local Blend*, by a right-click, choose **Paint where it may change**: ComfyUI's MaskEditor "
        "opens on the source picture. Paint, then *Save*.\n3. **Run**: outside what you painted, the edited picture is "
        "the source.\n\n`mask_use` says whether the words count as well.",
    )
    flow.begin("a big red mushroom on the grass", "a big red mushroom on the beach")
    flow.swap()
    flow.stage(EDIT)
    painted = flow.add("LoadImage", "Painted over the source", image="example.png")
    flow.blend("", mask=[painted, 1], mask_use="mask or words")
    flow.finish(seed=2)
    return flow
