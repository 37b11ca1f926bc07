"""P2P Edit as the chain of single nodes that does the same: which nodes, with which values and links.

The graph editor asks for it by a route and builds what it is told. An input of a node is a value, or {"input": name}:
what P2P Edit itself has there, a value or a link, or {"node": key, "output": name}: a link from another of the nodes.
The windows come from Window Preset, with the model connected, for which they are depends on the model.
"""

from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from typing import Any

from ..p2p_attention.edits.lines import read_lines
from ..p2p_attention.edits.steps import SELF_RESOLUTION, SELF_START, Step, needs_differing_prompts, steps_of
from ..p2p_attention.errors import EditError, Part
from ..p2p_attention.host.align_route import read_prompt
from ..p2p_attention.prompts.pair import Pair
from .messages import spell
from .names import EDIT_NODE

IDS = {Part.SWAP: "P2P_WordSwap", Part.REWEIGHT: "P2P_Reweight", Part.BLEND: "P2P_LocalBlend"}
RENAMED = {"resolution": "map_resolution"}
PRESET_OUTPUTS = {"cross_end": "end_percent", "self_end": "self_end_percent"}
PAIR, PRESET, CONTROLLER = "pair", "preset", "controller"
ENCODED = ["clip", "source_prompt", "target_prompt", "also_without_edit"]


def unfold(words: str, source: str | None, target: str | None) -> dict[str, Any]:
    """The nodes in their order, {key: {"class_type", "inputs"}}, and the former outputs, {name: link}.

    `words` is P2P Edit's text of lines; a prompt is None where a link brings it. Raises ValueError for a line that
    cannot be read, and where it depends on an unknown prompt whether there is a word swap.
    """
    try:
        lines = read_lines(words)
        steps = steps_of(lines, needs_differing_prompts(lines) or _differ(source, target))
    except EditError as error:
        raise ValueError(f"{EDIT_NODE}: {spell(str(error))}") from error
    nodes = {PAIR: _node("P2P_EncodePromptPair", {name: {"input": name} for name in ENCODED})}
    nodes[PRESET] = _node("P2P_WindowPreset", {"preset": {"input": "keep"}, "model": {"input": "model"}})
    edit = _link(PAIR, "edit")
    for number, step in enumerate(steps, start=1):
        nodes[key := f"edit {number}"] = _node(IDS[step.part], {"edit": edit, **_inputs(step)})
        edit = _link(key, "edit")
    controlled: dict[str, Any] = {"model": {"input": "model"}, "edit": edit, "latent": {"input": "latent"}}
    controlled |= {"self_start_percent": SELF_START, "self_end_percent": _link(PRESET, PRESET_OUTPUTS["self_end"])}
    controlled |= {"self_resolution": _value(SELF_RESOLUTION)}
    nodes[CONTROLLER] = _node("P2P_AttentionController", controlled)
    outputs = {name: _link(CONTROLLER, name) for name in ("model", "latent")}
    return {"nodes": nodes, "outputs": {**outputs, "positive": _link(PAIR, "positive"), "edit": edit}}


def _differ(source: str | None, target: str | None) -> bool:
    if source is None or target is None:
        raise EditError(
            "a link brings a prompt, and whether there is a word swap beside the strengths depends on it",
            "Type the prompts here, or add a line with a window, such as 'car: 0.0 - 0.8'.",
        )
    if source == target:
        return False
    if not Pair(read_prompt(source), read_prompt(target)).differs:
        raise EditError(
            "the prompts differ in spaces or capitals only, which some text encoders take for other words and some do "
            "not",
            "Write both alike, or change a word.",
        )
    return True


def _inputs(step: Step) -> dict[str, Any]:
    values = {RENAMED.get(name, name): _value(value) for name, value in step.inputs.items() if value is not None}
    return {**values, **{name: _link(PRESET, PRESET_OUTPUTS[of]) for name, of in step.preset.items()}}


def _value(value: Any) -> Any:
    """A value as a node's widget has it."""
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Fraction) else value


def _node(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"class_type": kind, "inputs": dict(inputs)}


def _link(key: str, output: str) -> dict[str, str]:
    return {"node": key, "output": output}
