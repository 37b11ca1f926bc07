// A small window over the page that stands in a node's own widget: the browser's top layer, not the page's body.

const LOOK =
  "inset: auto; margin: 0; box-sizing: border-box; overflow: visible; pointer-events: auto; cursor: auto; " +
  "white-space: normal; border: 1px solid var(--border-color, #4e4e4e); border-radius: 8px; " +
  "background: var(--comfy-menu-bg, #353535); color: var(--input-text, #ddd); " +
  "box-shadow: 0 4px 16px rgba(0, 0, 0, 0.4); ";
const POINTED = ["pointerdown", "pointermove", "pointerup", "mousedown", "click", "dblclick", "contextmenu", "wheel"];

/** Show an element over everything, as a child of `home`, in its own style and that of all such windows. */
export function showOver(element, home, style) {
  element.style.cssText = LOOK + style;
  element.popover = "manual";
  const keep = (event) => event.stopPropagation(); // the node behind is not meant
  for (const kind of POINTED) element.addEventListener(kind, keep);
  home.append(element);
  element.showPopover();
}

/** Put an element that is shown so at a place, in pixels, and inside the window: below `bottom`, or else above `top`. */
export function putBeside(element, left, top, bottom) {
  const { offsetWidth: width, offsetHeight: height } = element;
  const below = bottom + height <= window.innerHeight;
  element.style.left = `${Math.max(4, Math.min(left, window.innerWidth - width - 4))}px`;
  element.style.top = `${Math.max(4, below ? bottom : top - height)}px`;
}
