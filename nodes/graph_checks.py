"""What a node can tell of the graph around it."""

from comfy_api.latest import io

from ..p2p_attention.errors import EditError

LATENTS = {"P2P_AttentionController": 1, "P2P_Edit": 2}
"""Which output of a node is the latent that belongs to its model, the first."""


def own_number(hidden: io.HiddenHolder | None) -> str:
    """A node's number in the graph; empty outside one."""
    return str(hidden.unique_id or "") if hidden else ""


def check_outputs(hidden: io.HiddenHolder | None) -> None:
    """Raise EditError for a graph that uses only one of the outputs model and latent of a node that makes both.

    A latent that has been through another such node has the rows already.
    """
    graph, number = (hidden.prompt or {}, own_number(hidden)) if hidden else ({}, "")
    kinds = {key: node.get("class_type") for key, node in graph.items() if isinstance(node, dict)}
    latents = [(key, LATENTS[kind]) for key, kind in kinds.items() if kind in LATENTS]
    inputs = [node.get("inputs") for node in graph.values() if isinstance(node, dict)]
    values = [value for there in inputs if isinstance(there, dict) for value in there.values()]
    links = [(str(value[0]), value[1]) for value in values if isinstance(value, list) and len(value) == 2]
    own = [slot for start, slot in links if start == number]
    latent = LATENTS.get(str(kinds.get(number)), 1)
    if latent in own and 0 not in own:
        raise EditError(
            "the sampler takes the latent from here, but another node's model, so no edit would act",
            "Connect the model output too.",
        )
    if 0 in own and not any(link in latents for link in links):
        raise EditError(
            "the sampler takes the model from here, but another node's latent, which has no rows for the edited "
            "pictures",
            "Connect the latent output too.",
        )
