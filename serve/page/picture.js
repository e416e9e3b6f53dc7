/** How an image and its masks are drawn. Outlines run along the edges of pixels, whatever the zoom. */

import { css } from "./colours.js";

const paths = new WeakMap();

/** Draw an image; pixels enlarged twice or more, or a whole number of times, stay squares. */
export function drawImage(context, bitmap, view) {
  context.imageSmoothingEnabled = view.scale < 2 && view.scale !== 1;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, view.x, view.y, bitmap.width * view.scale, bitmap.height * view.scale);
}

/** Fill and outline particles that are seen. `thickness` is in device pixels. */
export function drawMasks(context, particles, view, { colourOf, opacity, thickness }) {
  if (opacity <= 0) return;
  const line = Math.min(1, 0.25 + opacity * 1.5);
  placed(context, view, () => {
    context.lineWidth = thickness / view.scale;
    context.lineJoin = "round";
    particles.forEach((particle, index) => {
      if (!seen(context, particle, view)) return;
      const colour = colourOf(particle, index);
      context.fillStyle = css(colour, opacity);
      context.strokeStyle = css(colour, line);
      context.fill(pathOf(particle), "evenodd");
      context.stroke(pathOf(particle));
    });
  });
}

/** Outline particles in a light line on a dark one, to be seen on anything. */
export function drawOutlines(context, particles, view, { colour, thickness }) {
  placed(context, view, () => {
    context.lineJoin = "round";
    for (const [style, width] of [["rgb(0 0 0 / 0.75)", thickness * 2.2], [colour, thickness]]) {
      context.strokeStyle = style;
      context.lineWidth = width / view.scale;
      for (const particle of particles) if (seen(context, particle, view)) context.stroke(pathOf(particle));
    }
  });
}

function placed(context, view, draw) {
  context.save();
  context.transform(view.scale, 0, 0, view.scale, view.x, view.y);
  draw();
  context.restore();
}

function seen({ canvas }, { box: [y0, x0, y1, x1] }, { scale, x, y }) {
  return x1 * scale + x > 0 && y1 * scale + y > 0 && x0 * scale + x < canvas.width && y0 * scale + y < canvas.height;
}

/** Return a particle's outline; on a canvas the first pixel begins at 0, not at -0.5. */
function pathOf(particle) {
  let path = paths.get(particle);
  if (!path) {
    path = new Path2D();
    for (const ring of particle.rings) {
      ring.forEach(([y, x], k) => (k ? path.lineTo(x + 0.5, y + 0.5) : path.moveTo(x + 0.5, y + 0.5)));
      path.closePath();
    }
    paths.set(particle, path);
  }
  return path;
}
