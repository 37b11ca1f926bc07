// Finding nodes, and texts on them that no workflow file keeps.

import { app } from "../../../scripts/app.js";

/** The node of a number as the server says it: "7", or "5:7" for node 7 in subgraph 5. */
export function nodeOf(number) {
  let graph = app.rootGraph ?? app.graph;
  let node = null;
  for (const part of String(number).split(":")) {
    node = graph?.getNodeById(Number(part)) ?? graph?.getNodeById(part) ?? null;
    graph = node?.subgraph;
  }
  return node;
}

/** Every node of the open workflow, those in subgraphs too. */
export function allNodes(graph = app.rootGraph ?? app.graph) {
  return (graph?.nodes ?? []).flatMap((node) => [node, ...(node.subgraph ? allNodes(node.subgraph) : [])]);
}

/** A link of a graph by its number, which older editors keep in a plain object. */
export function linkOf(graph, number) {
  return number == null ? null : (graph?.links?.get?.(number) ?? graph?.links?.[number] ?? null);
}

/** The nodes that an output goes to; where it leaves a subgraph, those outside, of every node that stands for it. */
function targetsOf({ graph, outputs }, slot) {
  const links = (outputs?.[slot]?.links ?? []).map((id) => linkOf(graph, id)).filter(Boolean);
  return links.flatMap((link) => {
    if (link.target_id !== graph.outputNode?.id) return graph.getNodeById(link.target_id) ?? [];
    const outside = allNodes().filter(({ subgraph }) => subgraph === graph);
    return outside.flatMap((one) => targetsOf(one, link.target_slot));
  });
}

/** Every node that something of a node goes to, also out of its subgraph, the nearest first. */
export function nodesBehind(node) {
  const found = new Set([node]);
  for (const one of found) (one.outputs ?? []).flatMap((_, slot) => targetsOf(one, slot)).forEach((to) => found.add(to));
  return [...found];
}

/** The node that an input's link comes from, also one inside a subgraph; null without, or where it is outside. */
export function originOf({ graph, inputs }, name) {
  let link = linkOf(graph, inputs?.find((input) => input.name === name)?.link);
  let origin = link ? graph.getNodeById(link.origin_id) : null;
  while (origin?.subgraph) {
    const inside = origin.subgraph;
    link = linkOf(inside, inside.outputs[link.origin_slot]?.linkIds[0]);
    origin = link ? inside.getNodeById(link.origin_id) : null;
  }
  return origin ?? null;
}

/** Under what the editor keeps what a node showed in the last run, in `app.nodeOutputs`. */
export const outputKey = (node) => (node.graph.isRootGraph === false ? `${node.graph.id}:${node.id}` : node.id);

/** A node's widget if its value is the node's own, not a link's; null otherwise. */
export function ownWidget(node, name) {
  const linked = node.inputs?.some((input) => input.name === name && input.link != null);
  return linked ? null : (node.widgets?.find((widget) => widget.name === name) ?? null);
}

/**
 * Show an element on a node, below its other widgets. It has no value: neither the workflow's file nor the prompt
 * knows of it. Returns null where the editor has no such widgets.
 */
export function showOn(node, name, element, height) {
  if (typeof node?.addDOMWidget !== "function") return null;
  const options = { serialize: false, hideOnZoom: false, getMinHeight: () => height, getValue: () => "", setValue() {} };
  const widget = node.addDOMWidget(name, name, element, options);
  widget.serialize = false;
  return widget;
}

/**
 * Put an element where the one stands that a former node of the same number showed under the same name. After an undo
 * every node is a new one, and the renderer that draws nodes as HTML keeps the former's element.
 */
export function succeed(node, element, name) {
  element.dataset.p2pOf = `${name}:${node.graph?.id ?? ""}:${node.id}`;
  if (element.isConnected) return;
  document.querySelector(`[data-p2p-of="${element.dataset.p2pOf}"]`)?.replaceWith(element);
}

/** Take a widget off its node. */
export function takeOff(node, widget) {
  const place = node.widgets?.indexOf(widget) ?? -1;
  if (place < 0) return;
  node.widgets.splice(place, 1);
  widget.onRemove?.();
}
