// The edit nodes behind a node that gives an edit, and putting one more at their end.

import { linkOf, originOf } from "./nodes.js";

const START = "P2P_EncodePromptPair";
const EDITS = ["P2P_WordSwap", "P2P_Refine", "P2P_Reweight", "P2P_LocalBlend", "P2P_WatchWords"];
const BYPASSED = 4; // the editor's number for a node that only passes on
const GAP = 60;

export const slotOf = (slots, name) => slots?.findIndex((slot) => slot.name === name) ?? -1;
export const isOn = (node) => node.mode !== BYPASSED;

/** The nodes that a node's edit goes to, with the input of each; null if one of them, or the node, is not in this graph. */
function followers(node) {
  const ids = node.outputs?.[slotOf(node.outputs, "edit")]?.links ?? [];
  const links = ids.map((id) => linkOf(node.graph, id));
  // a node that is on its way into a subgraph has links but no graph
  const found = links.map((link) => ({ node: node.graph?.getNodeById(link?.target_id), slot: link?.target_slot }));
  return found.every((one) => one.node) ? found : null;
}

/** The edit nodes one after the other, from the first behind the node; null if the edit forks or leaves the graph. */
export function chainOf(node) {
  const chain = [];
  for (let last = node; ; last = chain.at(-1)) {
    const edits = followers(last)?.filter((one) => EDITS.includes(one.node.comfyClass));
    if (!edits || edits.length > 1) return null;
    if (!edits.length || chain.includes(edits[0].node)) return chain;
    chain.push(edits[0].node);
  }
}

/** The Encode Prompt Pair whose edit comes to a node of a chain; null if it is outside the node's subgraph. */
export function startOf(node) {
  const met = new Set();
  for (let at = node; at && !met.has(at); ) {
    met.add(at);
    at = originOf(at, "edit");
    if (at?.comfyClass === START) return at;
    if (!EDITS.includes(at?.comfyClass)) return null;
  }
  return null;
}

/** Below a node, and below whatever is there. */
export function placeBelow(added, node) {
  added.pos = [node.pos[0], node.pos[1] + node.size[1] + GAP];
  const over = (other) =>
    other !== added &&
    other.pos[0] < added.pos[0] + added.size[0] && added.pos[0] < other.pos[0] + other.size[0] &&
    other.pos[1] < added.pos[1] + added.size[1] + GAP && added.pos[1] < other.pos[1] + other.size[1] + GAP;
  for (let hit; (hit = node.graph.nodes.find(over)); ) added.pos = [added.pos[0], hit.pos[1] + hit.size[1] + GAP];
}

/** A new edit node behind the last of a chain: what had the last one's edit has the new one's. */
export function addBehind(last, kind) {
  const added = window.LiteGraph.createNode(kind);
  const behind = followers(last);
  last.graph.add(added);
  placeBelow(added, last);
  const out = slotOf(added.outputs, "edit");
  for (const { node, slot } of behind) added.connect(out, node, slot);
  last.connect(slotOf(last.outputs, "edit"), added, slotOf(added.inputs, "edit"));
  return added;
}

/** Let a node act, or only pass the edit on. */
export function turn(node, on) {
  if (isOn(node) !== on) node.mode = on ? 0 : BYPASSED;
}
