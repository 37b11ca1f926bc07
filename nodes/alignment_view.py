"""Before the run: which word of the source feeds which word of the target."""

from comfy_api.latest import io, ui

from ..p2p_attention.edits.plan import EditPlan, Target
from ..p2p_attention.pictures.alignment import draw
from ..p2p_attention.pictures.feeds import Feed, feeds, headline, table
from ..p2p_attention.pictures.sheet import stacked
from .messages import spell
from .names import ALIGNMENT_NODE
from .node import Node
from .sockets import CATEGORY, Edit


class AlignmentView(Node):
    """Shows the alignment of the prompts with its weights and windows (Hertz et al. 2022, section 3.2)."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="P2P_AlignmentView",
            display_name=ALIGNMENT_NODE,
            category=CATEGORY,
            description=(
                "Shows which token of the source prompt feeds which token of the target prompt, with weights, windows "
                "and strengths. It needs no model run, so a wrong word is seen before sampling."
            ),
            search_aliases=["word alignment", "tokens", "mapper", "why did nothing happen"],
            is_output_node=True,
            inputs=[Edit.Input("edit", tooltip="The edit from any place in the chain; what comes later is not shown.")],
            outputs=[
                io.Image.Output(display_name="picture", tooltip="One picture for each target."),
                io.String.Output(display_name="table", tooltip="The same, as text."),
            ],
        )

    @classmethod
    def execute(cls, edit: EditPlan) -> io.NodeOutput:
        alike: dict[tuple[str, tuple[Feed, ...]], list[Target]] = {}
        for target in edit.edited:
            alike.setdefault((target.prompt.text, tuple(feeds(target))), []).append(target)
        found = [(prompt, spell(headline(targets)), parts) for (prompt, parts), targets in alike.items()]
        picture = stacked([draw(title, parts) for _, title, parts in found])
        text = "\n\n".join(f"{prompt}\n{title}\n{table(parts)}" for prompt, title, parts in found)
        return io.NodeOutput(picture, text, ui=ui.PreviewImage(picture, cls=cls))
