/** The graticule: rulers along two edges of the stage, and the scale bar. Device pixels throughout. */

import { roundStep, tick } from "./sizes.js";

/** Draw rulers as long as the image, with a mark where the pointer is. */
export function drawRulers(context, view, { size, ratio, unit, image, pointer, colours }) {
  const { width, height } = context.canvas;
  const step = roundStep((90 * ratio) / view.scale * unit.factor);
  context.fillStyle = colours.strip;
  context.fillRect(0, 0, width, size);
  context.fillRect(0, 0, size, height);
  context.font = `${10 * ratio}px ${colours.font}`;
  for (const upright of [false, true]) {
    drawRuler(context, view, { size, ratio, unit, step, upright, colours, pixels: upright ? image.height : image.width });
  }
  context.fillStyle = colours.strip;
  context.fillRect(0, 0, size, size);
  context.fillStyle = colours.ink;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(unit.name, size / 2, size / 2);
  if (pointer) markPointer(context, pointer, { size, ratio, colours });
}

function drawRuler(context, view, { size, ratio, unit, step, upright, colours, pixels }) {
  const length = upright ? context.canvas.height : context.canvas.width;
  const shift = upright ? view.y : view.x;
  const fine = step / 10, gap = (fine / unit.factor) * view.scale;
  const first = Math.max(0, Math.ceil((size - shift) / gap) - 10);
  const last = Math.floor(Math.min((length - shift) / gap, (pixels * view.scale) / gap + 1e-6));
  const line = Math.max(1, Math.round(ratio));
  context.save();
  context.beginPath();
  context.rect(upright ? 0 : size, upright ? size : 0, upright ? size : length, upright ? length : size);
  context.clip();
  context.fillStyle = colours.tick;
  for (let k = first; k <= last; k++) {
    const at = Math.round(shift + k * gap), part = k % 10 === 0 ? 0.55 : k % 5 === 0 ? 0.38 : 0.2;
    const reach = Math.round(size * part);
    if (upright) context.fillRect(size - reach, at, reach, line);
    else context.fillRect(at, size - reach, line, reach);
    if (k % 10 === 0) number(context, tick(k * fine, step), at, { size, ratio, upright, colours });
  }
  context.restore();
}

function number(context, text, at, { size, ratio, upright, colours }) {
  context.save();
  context.fillStyle = colours.ink;
  context.textBaseline = "middle";
  context.translate(...(upright ? [size * 0.36, at - 3 * ratio] : [at + 3 * ratio, size * 0.36]));
  if (upright) context.rotate(-Math.PI / 2);
  context.textAlign = "left";
  context.fillText(text, 0, 0);
  context.restore();
  context.fillStyle = colours.tick;
}

function markPointer(context, [x, y], { size, ratio, colours }) {
  const line = Math.max(1, Math.round(ratio));
  context.fillStyle = colours.mark;
  if (x >= size) context.fillRect(Math.round(x) - line, 0, 2 * line, size);
  if (y >= size) context.fillRect(0, Math.round(y) - line, size, 2 * line);
}

/** Draw a bar of a round length with its name; at most `room` long. `perPixel` are device px to an image px. */
export function drawScaleBar(context, { left, bottom, room, size, perPixel, unit }) {
  const longest = (room / perPixel) * unit.factor;
  const length = roundStep(longest / 2.5);
  const wide = Math.round((length / unit.factor) * perPixel), thick = Math.max(3, Math.round(size / 4));
  const text = `${tick(length, length)} ${unit.name}`;
  context.save();
  context.font = `600 ${size}px system-ui, sans-serif`;
  const plate = Math.max(wide, context.measureText(text).width) + size;
  context.fillStyle = "rgb(0 0 0 / 0.6)";
  context.fillRect(left, bottom - size * 2.2 - thick, plate, size * 2.2 + thick);
  context.fillStyle = "#fff";
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  context.fillText(text, left + plate / 2, bottom - thick - size * 0.85);
  context.fillRect(Math.round(left + (plate - wide) / 2), Math.round(bottom - thick - size * 0.45), wide, thick);
  context.restore();
}
