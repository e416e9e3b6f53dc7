/** Keys: those that work anywhere on the page, and those for the image when it has the focus. */

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 12; // CSS px that an arrow moves the crosshair

/** Call what a key stands for; typing in a field is left alone. */
export function followKeys(actions) {
  const plain = { "?": actions.help, o: actions.open, h: actions.hide, v: actions.point, b: actions.box, Escape: actions.escape };
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.defaultPrevented || typing(event.target)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      const action = key === "z" ? (event.shiftKey ? actions.redo : actions.undo) : key === "y" ? actions.redo : null;
      if (action) { event.preventDefault(); action(); }
    } else if (!event.altKey && plain[key] && !event.repeat) plain[key]();
  });
}

/**
 * Keys on the image. The crosshair is a place of the image; it appears with the first arrow.
 *
 * @param {object} told  crosshair(place), clicked(), boxed(box, {done}), next(step), remove(), all(), viewed()
 */
export function followStageKeys(canvas, stage, image, told) {
  let place = null, anchor = null;
  canvas.addEventListener("blur", () => { anchor = null; });
  canvas.addEventListener("pointerdown", () => { place = anchor = null; told.crosshair(null); });
  canvas.addEventListener("keydown", (event) => {
    if (!image()) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (key !== "a") return;
      told.all();
    } else if (ARROWS[key]) arrow(event, ARROWS[key]);
    else if (key === "Enter" || key === " ") enter();
    else if (key === "n") told.next(event.shiftKey ? -1 : 1, (to) => { place = to; });
    else if (key === "Delete" || key === "Backspace") told.remove();
    else if (key === "Escape" && anchor) { anchor = null; told.boxed(null, { done: false }); }
    else if (!zoom(key)) return;
    event.preventDefault();
  });

  function arrow(event, [dx, dy]) {
    const { width, height } = image(), step = event.altKey ? 1 : Math.max(1, Math.round((STEP * stage.ratio) / stage.view.scale));
    const from = place ?? [Math.round(width / 2), Math.round(height / 2)];
    if (event.shiftKey) anchor ??= from;
    place = [clamp(from[0] + dx * step, width - 1), clamp(from[1] + dy * step, height - 1)];
    stage.view.reveal(...place);
    told.crosshair(place);
    if (anchor) told.boxed(boxOf(anchor, place), { done: false });
  }

  function enter() {
    if (anchor) {
      const box = boxOf(anchor, place);
      anchor = null;
      told.boxed(box, { done: true });
    } else if (place) told.clicked(place);
  }

  function zoom(key) {
    const factor = { "+": 1.25, "=": 1.25, "-": 0.8, 1: 1 / stage.view.scale }[key];
    if (key === "0") stage.view.fit();
    else if (factor) stage.view.zoom(factor, ...(place ? stage.view.toScreen(...place) : [stage.width / 2, stage.height / 2]));
    else return false;
    told.viewed();
    return true;
  }
}

function typing(target) {
  return target.matches?.("input:not([type=range]):not([type=checkbox]), textarea, select");
}

function clamp(value, most) {
  return Math.min(Math.max(value, 0), most);
}

function boxOf([xa, ya], [xb, yb]) {
  return [Math.min(xa, xb), Math.min(ya, yb), Math.max(xa, xb), Math.max(ya, yb)];
}
