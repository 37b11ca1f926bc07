// The prompts of a node as they are typed, and how their words answer each other.

import { api } from "../../../scripts/api.js";
import { linkOf } from "./nodes.js";
import { alignWords } from "./words.js";

const MOST_TARGETS = 4;

/** A prompt's text: what is typed, or what the one text box shows that is connected; null where nobody knows. */
function textOf(node, name) {
  const slot = node.inputs?.find((input) => input.name === name);
  const link = linkOf(node.graph, slot?.link);
  if (!link) return node.widgets?.find((widget) => widget.name === name)?.value ?? "";
  const texts = node.graph.getNodeById(link.origin_id)?.widgets?.filter(({ value }) => typeof value === "string") ?? [];
  return texts.length === 1 ? texts[0].value : null;
}

/** The texts {source, targets} of a node with prompts; null where nobody knows one. */
export function promptsOf(node) {
  const more = (textOf(node, "more_targets") ?? "").split("\n").map((line) => line.trim());
  const source = textOf(node, "source_prompt");
  const targets = [textOf(node, "target_prompt"), ...more.filter(Boolean)].slice(0, MOST_TARGETS);
  return source === null || targets.includes(null) ? null : { source, targets };
}

let last = { body: "", answer: null }; // the nodes of a chain show the same prompts

/** The runs of words of each target: from the server, or where it knows no tokenizer by plain words. */
export function align(prompts) {
  const body = JSON.stringify(prompts);
  if (last.body !== body) last = { body, answer: ask(prompts, body) };
  return last.answer;
}

async function ask(prompts, body) {
  try {
    const reply = await api.fetchApi("/p2p/align", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (reply.ok) return (await reply.json()).targets;
  } catch {
    // an older server, or one that is away: plain words will do
  }
  return prompts.targets.map((target) => alignWords(prompts.source, target));
}
