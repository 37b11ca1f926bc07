"""What a node can tell of the graph around it."""

from comfy_api.latest import io

from ..p2p_attention.errors import EditError


def own_number(hidden: io.HiddenHolder | None) -> str:
    """A node's number in the graph; empty outside one."""
    return str(hidden.unique_id or "") if hidden else ""


def check_outputs(hidden: io.HiddenHolder | None) -> None:
    """Raise EditError for a graph that uses the Controller's latent, but not its model, so that no edit would act."""
    graph, number = (hidden.prompt or {}, str(hidden.unique_id)) if hidden else ({}, "")
    inputs = [node.get("inputs") for node in graph.values() if isinstance(node, dict)]
    values = [value for there in inputs if isinstance(there, dict) for value in there.values()]
    slots = [value[1] for value in values if isinstance(value, list) and len(value) == 2 and str(value[0]) == number]
    if slots and 0 not in slots:
        raise EditError(
            "the sampler takes the latent from here, but another node's model, so no edit would act",
            "Connect the model output too.",
        )
