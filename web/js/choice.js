// The words of the prompts on a node that names some of them: a click names a word, another takes its name away.

import { isAbout, settable } from "./aligned.js";
import { startOf } from "./chain.js";
import { setWidget } from "./gesture.js";
import { splitNames } from "./naming.js";
import { ownWidget } from "./nodes.js";

/** What a node with a list of words reads and writes; `kind` tells in which prompts it looks for them. */
function choiceOf(kind) {
  return {
    only: kind,
    start: startOf,
    open: (node) => Boolean(ownWidget(node, "words")),
    kinds: (_, word) => settable(word, [kind]),
    read: (node) => [{ kind, names: splitNames(ownWidget(node, "words")?.value ?? ""), value: true }],
    write(node, word, _, names, value) {
      const widget = ownWidget(node, "words");
      const others = splitNames(widget.value).filter((name) => !isAbout(name, word, kind));
      setWidget(widget, [...others, ...(value ? names : [])].join(", "));
    },
  };
}

export const CHOICES = {
  P2P_Reweight: choiceOf("strength"),
  P2P_LocalBlend: choiceOf("blend"),
  P2P_WatchWords: choiceOf("watch"),
};
