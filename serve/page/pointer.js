/** Mouse, pen and fingers on the stage, told as what they mean. */

const STILL = 4; // CSS px within which a press is a click
const WHEEL = 0.0016;

/**
 * @param {HTMLElement} canvas
 * @param {import("./stage.js").Stage} stage
 * @param {object} told  moved, left, clicked, boxed (while drawn: done is false), viewed; tool() says which tool is in hand
 */
export function followPointers(canvas, stage, told) {
  const fingers = new Map();
  let drag = null;

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, stage.placeOf(event));
    const kind = event.button === 1 || told.held() ? "pan" : event.shiftKey || told.tool() === "box" ? "box" : "click";
    drag = fingers.size === 1 ? { kind, from: stage.placeOf(event), last: stage.placeOf(event), moved: false } : { kind: "pinch" };
    if (event.button === 1) event.preventDefault();
  });

  canvas.addEventListener("pointermove", (event) => {
    const place = stage.placeOf(event);
    if (drag?.kind === "pinch") return pinch(event.pointerId, place);
    if (!drag) return told.moved(place);
    drag.moved ||= Math.hypot(place[0] - drag.from[0], place[1] - drag.from[1]) > STILL * stage.ratio;
    if (!drag.moved) return undefined;
    if (drag.kind === "box") told.boxed(corners(drag.from, place), { done: false });
    else {
      stage.view.pan(place[0] - drag.last[0], place[1] - drag.last[1]);
      told.viewed();
    }
    drag.last = place;
    return told.moved(place);
  });

  canvas.addEventListener("pointerup", (event) => {
    const ended = drag;
    forget(event);
    if (!ended || ended.kind === "pinch") return;
    const place = stage.placeOf(event);
    if (ended.moved && ended.kind === "box") told.boxed(corners(ended.from, place), { done: true });
    else if (!ended.moved && ended.kind !== "pan") told.clicked(stage.view.toImage(...ended.from), { place, more: event.shiftKey || event.ctrlKey || event.metaKey });
  });

  canvas.addEventListener("pointercancel", forget);
  canvas.addEventListener("pointerleave", (event) => { if (!fingers.size && event.pointerType) told.left(); });

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    stage.view.zoom(Math.exp(-event.deltaY * lines * WHEEL * (event.ctrlKey ? 5 : 1)), ...stage.placeOf(event));
    told.viewed();
  }, { passive: false });

  function pinch(id, place) {
    const other = [...fingers].find(([key]) => key !== id)?.[1], before = fingers.get(id);
    if (!other || !before) return;
    const apart = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
    stage.view.pan((place[0] - before[0]) / 2, (place[1] - before[1]) / 2);
    stage.view.zoom(apart(place) / apart(before), (place[0] + other[0]) / 2, (place[1] + other[1]) / 2);
    fingers.set(id, place);
    told.viewed();
  }

  function forget(event) {
    fingers.delete(event.pointerId);
    drag = fingers.size ? { kind: "pinch" } : null;
  }

  function corners(a, b) {
    const [xa, ya] = stage.view.toImage(...a), [xb, yb] = stage.view.toImage(...b);
    return [Math.min(xa, xb), Math.min(ya, yb), Math.max(xa, xb), Math.max(ya, yb)];
  }
}
