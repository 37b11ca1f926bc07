"""Makes a workflow in the API's form the graph editor's: links, widgets, places, notes and groups."""

from __future__ import annotations

import uuid
from typing import Any

COLUMN, TOP, GAP = 400, 120, 60
BLUE, GREY = "#3f789e", "#8888aa"
TALL = {"SaveImage": 300, "PreviewImage": 300, "LoadImage": 330, "MarkdownNote": 280}
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}

Node = dict[str, Any]


def to_editor(
    name: str, nodes: dict[str, Node], compared: list[str], texts: list[str], info: dict[str, Any]
) -> dict[str, Any]:
    """The editor's file of a workflow: nodes in columns by their depth, wired, with notes below and groups around.

    `compared` are the nodes of a second group below, `texts` the notes; `info` is the server's description of nodes.
    """
    made: dict[str, Node] = {}
    links: list[list] = []
    bottoms: dict[tuple[int, bool], int] = {}
    for order, (number, node) in enumerate(nodes.items()):
        kind = info[node["class_type"]]
        wired = {key: value for key, value in node["inputs"].items() if isinstance(value, list)}
        spec = {**kind["input"].get("required", {}), **kind["input"].get("optional", {})}
        sockets = [
            key for key in spec if key in wired or not (isinstance(spec[key][0], list) or spec[key][0] in WIDGETS)
        ]
        widgets = [key for key in spec if key not in sockets]
        values: list[Any] = []
        for key in widgets:
            values += [node["inputs"][key], *(["fixed"] if key == "seed" else [])]
            values += ["image"] if len(spec[key]) > 1 and spec[key][1].get("image_upload") else []
        column = _depth(nodes, number)
        lines = (
            sum(3 if spec[key][1:] and spec[key][1].get("multiline") else 1 for key in widgets)
            + len(values)
            - len(widgets)
        )
        height = TALL.get(node["class_type"], 50 + 22 * max(len(sockets), len(kind["output"])) + 26 * lines)
        place = (column, number in compared)
        top = bottoms.get(place, 0)
        bottoms[place] = top + height + GAP
        made[number] = {
            "id": int(number),
            "type": node["class_type"],
            "pos": [20 + column * COLUMN, top],
            "size": [340, height],
            "flags": {},
            "order": order,
            "mode": 0,
            "inputs": [{"name": key, "type": spec[key][0], "link": None} for key in sockets],
            "outputs": [
                {"name": name, "type": type_, "links": []}
                for name, type_ in zip(kind["output_name"], kind["output"], strict=True)
            ],
            "title": node["_meta"]["title"],
            "properties": {"Node name for S&R": node["class_type"]},
            "widgets_values": values,
        }
        for slot, key in enumerate(sockets):
            if key in wired:
                source, output = wired[key]
                link = len(links) + 1
                links.append([link, int(source), output, int(number), slot, spec[key][0]])
                made[number]["inputs"][slot]["link"] = link
                made[source]["outputs"][output]["links"].append(link)
    upper = max(bottom for (_, compared), bottom in bottoms.items() if not compared)
    for number, node in made.items():
        node["pos"][1] += TOP + (upper + 80 if number in compared else 0)
    notes = [_note(len(made) + 1 + i, text, i, bottoms) for i, text in enumerate(texts)]
    for note in notes:
        upper = max(upper, note["pos"][1] + note["size"][1] - TOP + GAP)
    columns = 1 + max(column for column, _ in bottoms)
    groups = [_group(1, "Prompt-to-Prompt", 0, TOP - 80, columns, upper + 60, BLUE)]
    if compared:
        lower = [bottom for (_, compared), bottom in bottoms.items() if compared]
        top = min(made[number]["pos"][1] for number in compared) - 60
        groups.append(_group(2, "For comparison", 0, top, columns, max(lower) + 60, GREY))
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"prompt-to-prompt/{name}")),
        "revision": 0,
        "last_node_id": len(made) + len(notes),
        "last_link_id": len(links),
        "nodes": [*made.values(), *notes],
        "links": links,
        "groups": groups,
        "config": {},
        "extra": {"ds": {"scale": 0.6, "offset": [40, 40]}},
        "version": 0.4,
    }


def _depth(nodes: dict[str, Node], number: str) -> int:
    wired = [value[0] for value in nodes[number]["inputs"].values() if isinstance(value, list)]
    return 1 + max((_depth(nodes, source) for source in wired), default=-1)


def _note(number: int, text: str, column: int, bottoms: dict[tuple[int, bool], int]) -> Node:
    column = 0 if column == 0 else 3
    return {
        "id": number,
        "type": "MarkdownNote",
        "pos": [20 + column * COLUMN, TOP + bottoms[column, False]],
        "size": [340, TALL["MarkdownNote"]],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [],
        "outputs": [],
        "title": "Note",
        "properties": {},
        "widgets_values": [text],
    }


def _group(number: int, title: str, left: int, top: int, columns: int, height: int, colour: str) -> dict[str, Any]:
    bounding = [left, top, columns * COLUMN, height]
    return {"id": number, "title": title, "bounding": bounding, "color": colour, "font_size": 24, "flags": {}}
