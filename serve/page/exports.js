/** What can be saved: always what is on the page now, with all edits. */

import { labelsOf } from "./particles.js";
import { png16 } from "./png.js";
import { tiff } from "./tiff.js";
import { drawMasks } from "./picture.js";
import { drawScaleBar } from "./scale.js";

/** Column -> value of a particle. `n` is its number in the label image. Pixel centres are whole numbers. */
const COLUMNS = {
  label: (_, n) => n,
  y_px: (p) => round(p.y),
  x_px: (p) => round(p.x),
  area_px: (p) => p.area,
  equivalent_diameter_px: (p) => round(p.diameter),
  major_axis_px: (p) => round(p.major),
  minor_axis_px: (p) => round(p.minor),
  box_y0_px: (p) => p.box[0],
  box_x0_px: (p) => p.box[1],
  box_y1_px: (p) => p.box[2],
  box_x1_px: (p) => p.box[3],
  touches_border: (p) => p.border,
  score: (p) => p.score,
  found_by: (p) => p.origin,
};
const LENGTHS = Object.keys(COLUMNS).filter((name) => name.endsWith("_px") && name !== "area_px");

/** Return the table of all particles; with columns in nm where the pixel size is known. */
export function csv(particles, nm) {
  const columns = Object.entries(COLUMNS);
  if (nm) {
    columns.push(...LENGTHS.map((name) => [name.replace(/_px$/, "_nm"), (p, n) => significant(Number(COLUMNS[name](p, n)) * nm)]));
    columns.push(["area_nm2", (p) => significant(p.area * nm * nm)]);
  }
  const rows = particles.map((p, index) => columns.map(([, value]) => value(p, index + 1)).join(","));
  return new Blob([[columns.map(([name]) => name).join(","), ...rows, ""].join("\r\n")], { type: "text/csv" });
}

export function labelsPng(particles, shape) {
  return png16(labelsOf(particles, shape), shape);
}

export function labelsTiff(particles, shape, nm) {
  return tiff(labelsOf(particles, shape), shape, nm);
}

/** Return image and masks as they are seen, a pixel for a pixel, with a scale bar. */
export async function overlay(picture, particles, { colourOf, opacity, unit }) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d");
  context.drawImage(picture.bitmap, 0, 0);
  const thickness = Math.max(1, Math.max(picture.width, picture.height) / 1024);
  drawMasks(context, particles, { scale: 1, x: 0, y: 0 }, { colourOf, opacity, thickness });
  const edge = Math.min(picture.width, picture.height);
  if (edge >= 128) {
    const size = Math.max(11, edge / 36);
    drawScaleBar(context, { left: size, bottom: picture.height - size, room: picture.width / 4, size, perPixel: 1, unit });
  }
  return canvas.convertToBlob({ type: "image/png" });
}

/** Have the browser save a file. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function round(value) {
  return Number(value.toFixed(4));
}

function significant(value) {
  return Number(value.toPrecision(6));
}
