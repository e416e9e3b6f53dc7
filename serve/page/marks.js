/** What moves over the image: outlines, the caliper, what is asked for, boxes, crosshair, rulers. Device pixels throughout. */

import { drawOutlines } from "./picture.js";
import { drawRulers, drawScaleBar } from "./scale.js";

const DARK = "rgb(0 0 0 / 0.7)";

/** Draw all of it. `ruler` is the rulers' width, `boundary` the place between two models. */
export function drawMarks(context, scene, { view, ratio, ruler, colours }) {
  const { width, height } = context.canvas, pen = { context, view, ratio };
  context.clearRect(0, 0, width, height);
  if (!scene) return;
  const thickness = 1.75 * ratio;
  drawOutlines(context, scene.lit, view, { colour: "#ffffff", thickness });
  drawOutlines(context, scene.selected, view, { colour: colours.mark, thickness });
  if (scene.hover) caliper(pen, scene.hover);
  for (const point of scene.waiting.points) ring(pen, point, scene.beat);
  for (const box of scene.waiting.boxes) rectangle(pen, box, { colour: colours.mark, dashed: true });
  if (scene.box) rectangle(pen, scene.box, { colour: colours.mark, dashed: false });
  if (scene.other) boundary(pen, scene.boundary);
  if (scene.crosshair) crosshair(pen, scene.crosshair, colours.mark);
  const { unit } = scene, size = Math.round(ruler * ratio);
  drawRulers(context, view, { size, ratio, unit, image: scene.picture, pointer: scene.pointer, colours });
  drawScaleBar(context, { left: size + 12 * ratio, bottom: height - 12 * ratio, room: 200 * ratio, size: 12 * ratio, perPixel: view.scale, unit });
}

/** Draw the disc of the same area, and its diameter with ends as a caliper has them. */
function caliper({ context, view, ratio }, particle) {
  drawOutlines(context, [particle], view, { colour: "#ffffff", thickness: 1.75 * ratio });
  const [x, y] = view.toScreen(particle.x, particle.y);
  const radius = (particle.diameter / 2) * view.scale, jaw = Math.max(4 * ratio, radius * 0.18);
  const widths = [[DARK, 3], ["#ffffff", 1.2]];
  twice({ context, ratio }, widths, () => {
    context.moveTo(x - radius, y); context.lineTo(x + radius, y);
    context.moveTo(x - radius, y - jaw); context.lineTo(x - radius, y + jaw);
    context.moveTo(x + radius, y - jaw); context.lineTo(x + radius, y + jaw);
  });
  twice({ context, ratio, dash: [3, 3] }, widths, () => context.arc(x, y, radius, 0, 2 * Math.PI));
}

function ring({ context, view, ratio }, point, beat) {
  const [x, y] = view.toScreen(...point), arm = 3 * ratio;
  twice({ context, ratio }, [[DARK, 4], ["#ffffff", 1.75]], () => {
    context.arc(x, y, (7 + 4 * beat) * ratio, 0, 2 * Math.PI);
    context.moveTo(x - arm, y); context.lineTo(x + arm, y);
    context.moveTo(x, y - arm); context.lineTo(x, y + arm);
  });
}

function rectangle({ context, view, ratio }, [x0, y0, x1, y1], { colour, dashed }) {
  const [left, top] = view.toScreen(x0, y0), [right, bottom] = view.toScreen(x1, y1);
  if (!dashed) {
    context.fillStyle = "rgb(255 255 255 / 0.08)";
    context.fillRect(left, top, right - left, bottom - top);
  }
  const dash = dashed ? [5, 4] : [];
  twice({ context, ratio, dash }, [[DARK, 3], [colour, 1.25]], () => context.rect(left, top, right - left, bottom - top));
}

function boundary({ context, ratio }, x) {
  const wide = Math.max(1, Math.round(ratio)), { height } = context.canvas;
  context.fillStyle = "rgb(0 0 0 / 0.6)";
  context.fillRect(x - 2 * wide, 0, 4 * wide, height);
  context.fillStyle = "#ffffff";
  context.fillRect(x - wide, 0, 2 * wide, height);
}

function crosshair({ context, view, ratio }, place, colour) {
  const [x, y] = view.toScreen(...place), gap = 6 * ratio, arm = 16 * ratio;
  twice({ context, ratio }, [["rgb(0 0 0 / 0.8)", 4], [colour, 1.75]], () => {
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * gap, y + dy * gap);
      context.lineTo(x + dx * arm, y + dy * arm);
    }
  });
}

/** Draw lines dark and wide, then light and thin, to be seen on anything. */
function twice({ context, ratio, dash = [] }, widths, draw) {
  context.save();
  context.setLineDash(dash.map((part) => part * ratio));
  for (const [style, width] of widths) {
    context.strokeStyle = style;
    context.lineWidth = width * ratio;
    context.beginPath();
    draw();
    context.stroke();
  }
  context.restore();
}
