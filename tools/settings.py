"""What many_servers.py changes in a workflow: nodes by number or title, and a value for each run."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from remote import ManyServersError, Run

TO_API = "In the editor: Workflow → Export (API). The templates are in workflows/api in that form."


def read(path: Path) -> dict[str, Any]:
    """A workflow in the API's form. Raises ManyServersError."""
    try:
        workflow = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ManyServersError(f"{path} cannot be read as a workflow ({error}). {TO_API}") from None
    if not isinstance(workflow, dict) or not workflow:
        raise ManyServersError(f"{path} is not a workflow in the API's form. {TO_API}")
    if not all(isinstance(node, dict) and "class_type" in node and "inputs" in node for node in workflow.values()):
        raise ManyServersError(f"{path} is not a workflow in the API's form, but maybe the editor's. {TO_API}")
    return workflow


def find(workflow: dict[str, Any], name: str) -> str:
    """The number of a node by number, title or class. Raises ManyServersError."""
    known = {number: (number, _title(node), node["class_type"]) for number, node in workflow.items()}
    found = [name] if name in known else [number for number, names in known.items() if name in names]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"{number} ({title})" for number, title, _ in known.values())
    raise ManyServersError(f"{'several nodes are' if found else 'no node is'} called '{name}'. There is: {there}.")


def _title(node: dict[str, Any]) -> str:
    return str(node.get("_meta", {}).get("title", node["class_type"]))


def runs(workflow: dict[str, Any], settings: Sequence[str]) -> list[Run]:
    """A run for each value; several settings go in step, a single value holds for all. Raises ManyServersError."""
    columns = [_setting(workflow, text) for text in settings]
    count = max(len(values) for _, _, values in columns)
    if any(len(values) not in (1, count) for _, _, values in columns):
        counts = ", ".join(f"{name}: {len(values)}" for _, name, values in columns)
        raise ManyServersError(f"settings go in step and need as many values each, or a single one, not {counts}.")
    made = []
    for number in range(count):
        changed, label = copy.deepcopy(workflow), []
        for node, name, values in columns:
            changed[node]["inputs"][name] = values[number % len(values)]
            if len(values) == count:
                label.append(f"{name} {values[number]}")
        made.append(Run(", ".join(label), changed))
    return made


def _setting(workflow: dict[str, Any], text: str) -> tuple[str, str, list[Any]]:
    place, equals, written = text.partition("=")
    name, dot, key = place.rpartition(".")
    if not (equals and dot):
        raise ManyServersError(f"--set {text}: write it as NODE.INPUT=a,b,c, such as 3.end_percent=0.4,0.8.")
    number = find(workflow, name)
    inputs = workflow[number]["inputs"]
    if key not in inputs:
        raise ManyServersError(f"--set {place}: node {number} has no input '{key}', but {', '.join(inputs)}.")
    if isinstance(inputs[key], list):
        raise ManyServersError(f"--set {place}: it is connected to node {inputs[key][0]}; set an input of that node.")
    return number, key, [_typed(value, inputs[key], place) for value in _values(written, place)]


def _values(written: str, place: str) -> list[Any]:
    try:
        if written.startswith("["):
            values = json.loads(written)
        elif written.startswith("@"):
            values = [line.strip() for line in Path(written[1:]).read_text("utf-8").splitlines() if line.strip()]
        else:
            values = [value.strip() for value in written.split(",")]
    except (OSError, ValueError) as error:
        way = 'Write a list as ["a", "b"], a file of one value a line as @lines.txt.'
        raise ManyServersError(f"--set {place}: {error}. {way}") from None
    if not values:
        raise ManyServersError(f"--set {place}: there is no value.")
    return list(values)


def _typed(value: Any, present: Any, place: str) -> Any:
    """A value as the input's present one is: the editor writes whole numbers without a point, also where any may be."""
    text = str(value)
    if isinstance(present, bool):
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
    elif isinstance(present, int | float):
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
    else:
        return text
    raise ManyServersError(f"--set {place}: '{text}' is not of the kind of its present value, {present}.")
