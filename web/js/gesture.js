// What a gesture changes is one step of undo.

import { app } from "../../../scripts/app.js";

/** Do something to the graph as one step of undo. */
export function asOneStep(change) {
  app.canvas?.emitBeforeChange?.();
  try {
    change();
    // the numbers of the order are kept with the nodes, and a click on a node changes them: the editor, which looks
    // for them at the next prompt or undo only, would make them a step of their own
    app.canvas?.graph?.updateExecutionOrder?.();
  } finally {
    app.canvas?.emitAfterChange?.();
    app.canvas?.setDirty?.(true, true);
  }
}

/** Give a widget a value, as if it had been typed. */
export function setWidget(widget, value) {
  widget.value = value;
  widget.callback?.(value);
}
