// What the editor's App mode shows of a workflow, kept in step when nodes take another's place.
//
// The workflow has it in `extra.linearData`: inputs as [node, widget, …] and outputs as nodes. A node is its number, the
// path to it through subgraphs ("5:7"), or, since the editor knows widgets by names of their own, "graph:node:widget".

import { app } from "../../../scripts/app.js";
import { nodeOf } from "./nodes.js";

const TOGGLE = "Comfy.ToggleLinear";

const root = () => app.rootGraph ?? app.graph;

/** How an entry names a node and a widget, for others in its place: (node, widget) → id; null for an entry of another node. */
function namedAs(id, node) {
  const widgets = `${node.graph.id}:`;
  if (String(id).startsWith(`${widgets}${node.id}:`)) return (other, name) => `${widgets}${other.id}:${name}`;
  if (nodeOf(id) !== node) return null;
  const path = String(id).split(":").slice(0, -1);
  return (other) => [...path, other.id].join(":");
}

/**
 * Let App mode have others in a node's place. To be called while the node is in the graph: returns what is to be done
 * with `heirs`, for each of the node's inputs by name the [node, widget] that come for it; null where there is nothing
 * to do.
 */
export function appModeWithout(node) {
  const told = root().extra?.linearData;
  const inputs = (told?.inputs ?? []).map((entry) => ({ entry, as: namedAs(entry[0], node) }));
  const outputs = (told?.outputs ?? []).filter((id) => nodeOf(id) !== node);
  if (!inputs.some(({ as }) => as) && outputs.length === (told?.outputs ?? []).length) return null;
  return (heirs) => {
    const ofHeirs = ([, name, ...more], as) => (heirs[name] ?? []).map(([heir, own]) => [as(heir, own), own, ...more]);
    root().extra.linearData = { ...told, inputs: inputs.flatMap(({ entry, as }) => (as ? ofHeirs(entry, as) : [entry])), outputs };
  };
}

/** Let the editor read anew what App mode shows, after a step of undo: it does when a graph is loaded, as undo does. */
export async function readAppModeAnew() {
  const { command } = app.extensionManager;
  if (!command.commands.some(({ id }) => id === TOGGLE)) return; // an editor without App mode
  await command.execute("Comfy.Undo");
  await command.execute("Comfy.Redo");
}
