// What is set of words in the edit nodes behind Encode Prompt Pair: the same nodes that one would add by hand.

import { isAbout, settable } from "./aligned.js";
import { addBehind, chainOf, isOn, turn } from "./chain.js";
import { setWidget } from "./gesture.js";
import { readLines, setLine } from "./lines.js";
import { splitNames } from "./naming.js";
import { ownWidget } from "./nodes.js";

const NODES = { strength: "P2P_Reweight", blend: "P2P_LocalBlend", watch: "P2P_WatchWords" };

/** The nodes of a chain that set words by name, {kind, names, value, node}, bypassed ones too; a sweep is left alone. */
function naming(chain) {
  return chain.flatMap((node) => {
    const kind = Object.keys(NODES).find((one) => NODES[one] === node.comfyClass);
    const [words, strength, sweep] = ["words", "strength", "strength_sweep"].map((name) => ownWidget(node, name));
    if (!kind || !words || (kind === "strength" && (!strength || sweep?.value))) return [];
    return [{ kind, names: splitNames(words.value), value: kind === "strength" ? strength.value : true, node }];
  });
}

/** The Word Swap or Refine of a chain, which has windows of single words in a text of lines; undefined without. */
function injectionOf(chain) {
  return chain.find((node) => isOn(node) && ownWidget(node, "word_windows"));
}

/** Take what is about the word out of nodes: out of their words, or, where no other is left, by a bypass. */
function takeOut(nodes, about) {
  for (const { node, names } of nodes) {
    const left = names.filter((name) => !about(name));
    if (left.length) setWidget(ownWidget(node, "words"), left.join(", "));
    else turn(node, false);
  }
}

function setNode(start, chain, kind, about, names, value) {
  const all = naming(chain).filter((one) => one.kind === kind);
  const acting = all.filter((one) => isOn(one.node));
  const here = acting.filter((one) => one.names.some(about));
  if (value === null) return takeOut(here, about);
  const alone = (one) => one.names.length && one.names.every(about);
  const own = acting.find(alone) ?? all.find(alone);
  takeOut(here.filter((one) => one !== own), about);
  const list = kind !== "strength" && acting.find((one) => one.names.length);
  if (own) turn(own.node, true);
  else if (list) return setWidget(ownWidget(list.node, "words"), [...list.names, ...names].join(", "));
  const node = own?.node ?? addBehind(chain.at(-1) ?? start, NODES[kind]);
  if (!own) setWidget(ownWidget(node, "words"), (here[0]?.names.filter(about) ?? names).join(", "));
  if (kind === "strength") setWidget(ownWidget(node, "strength"), value);
}

export const chainSettings = {
  kinds(node, word) {
    const chain = chainOf(node) ?? [];
    const injection = injectionOf(chain);
    const watched = naming(chain).some((one) => one.kind === "watch" && isOn(one.node) && !one.names.length);
    return settable(word, ["strength", "window", "blend", "watch"]).filter((kind) => {
      if (kind === "watch") return !watched; // without a name it is every word
      if (kind !== "window") return true;
      return injection && (word.change === "kept" || injection.comfyClass === "P2P_WordSwap");
    });
  },
  open: (node) => chainOf(node) !== null,
  read(node) {
    const chain = chainOf(node) ?? [];
    const injection = injectionOf(chain);
    const windows = injection ? readLines(ownWidget(injection, "word_windows").value) : [];
    const acting = naming(chain).filter((one) => isOn(one.node));
    return [
      ...acting.map(({ kind, names, value }) => ({ kind, names, value })),
      ...windows.filter(({ kind }) => kind === "window"),
    ];
  },
  write(node, word, kind, names, value) {
    const about = (name) => isAbout(name, word, kind);
    const chain = chainOf(node);
    if (kind !== "window") return setNode(node, chain, kind, about, names, value);
    const widget = ownWidget(injectionOf(chain), "word_windows");
    setWidget(widget, setLine(widget.value, kind, about, names, value));
  },
};
