// A node that shows a picture of text is wide enough to read it when it is new; a file's own size stays.

import { app } from "../../../scripts/app.js";

const LEAST = { P2P_AlignmentView: [420, 320], P2P_ContactSheet: [340, 260], P2P_Compare: [340, 260] };

app.registerExtension({
  name: "prompttoprompt.sizes",
  nodeCreated(node) {
    const least = LEAST[node.comfyClass];
    if (least) node.setSize(least.map((side, axis) => Math.max(side, node.size[axis])));
  },
});
