/** Masks and their outlines: rings of [y, x] along the edges of pixels, at halves, filled by the even-odd rule. */

/** @typedef {{y: number, x: number, height: number, width: number, bits: Uint8Array}} Mask  part of an image */

const STEPS = [[0, 1], [1, 0], [0, -1], [-1, 0]]; // right, down, left, up: the body lies to the right

/** Return the mask that rings enclose, cut to its box. */
export function filled(rings) {
  const [y, x, bottom, right] = boxOf(rings);
  const height = bottom - y, width = right - x;
  const bits = new Uint8Array(height * width);
  for (const ring of rings) flip(bits, ring, y, x, width);
  for (let row = 0; row < height; row++) {
    for (let at = row * width + 1, end = (row + 1) * width; at < end; at++) bits[at] ^= bits[at - 1];
  }
  return { y, x, height, width, bits };
}

/** Return the rings around a mask; pixels that meet at a corner alone are rings apart. */
export function traced(mask) {
  const wide = mask.width + 1;
  const edges = edgesOf(mask, wide);
  const rings = [];
  for (let place = 0; place < edges.length; place++) {
    while (edges[place]) rings.push(followed(edges, place, wide, mask));
  }
  return rings;
}

function boxOf(rings) {
  let y0 = Infinity, x0 = Infinity, y1 = -Infinity, x1 = -Infinity;
  for (const ring of rings) {
    for (const [y, x] of ring) {
      y0 = Math.min(y0, y); y1 = Math.max(y1, y);
      x0 = Math.min(x0, x); x1 = Math.max(x1, x);
    }
  }
  return [y0 + 0.5, x0 + 0.5, y1 + 0.5, x1 + 0.5];
}

/** Toggle, for each upright edge, the pixel that begins at it in every row it passes. */
function flip(bits, ring, top, left, width) {
  for (let k = 0; k < ring.length; k++) {
    const [ya, xa] = ring[k], [yb, xb] = ring[(k + 1) % ring.length];
    const column = xa + 0.5 - left;
    if (xa !== xb || column >= width) continue;
    const from = Math.min(ya, yb) + 0.5 - top, to = Math.max(ya, yb) + 0.5 - top;
    for (let row = from; row < to; row++) bits[row * width + column] ^= 1;
  }
}

/** Return, for each corner, which edges begin there: bit d for direction d. */
function edgesOf({ height, width, bits }, wide) {
  const edges = new Uint8Array((height + 1) * wide);
  const on = (y, x) => y >= 0 && x >= 0 && y < height && x < width && bits[y * width + x];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!bits[y * width + x]) continue;
      if (!on(y - 1, x)) edges[y * wide + x] |= 1;
      if (!on(y, x + 1)) edges[y * wide + x + 1] |= 2;
      if (!on(y + 1, x)) edges[(y + 1) * wide + x + 1] |= 4;
      if (!on(y, x - 1)) edges[(y + 1) * wide + x] |= 8;
    }
  }
  return edges;
}

/** Take one ring out of the edges: at each corner right, else straight on, else left. */
function followed(edges, start, wide, { y, x }) {
  const ring = [];
  let place = start, direction = [0, 1, 2, 3].find((d) => edges[place] & (1 << d));
  for (;;) {
    edges[place] &= ~(1 << direction);
    place += STEPS[direction][0] * wide + STEPS[direction][1];
    const next = [1, 0, 3].map((turn) => (direction + turn) % 4).find((d) => edges[place] & (1 << d));
    if (next !== direction) ring.push([Math.floor(place / wide) + y - 0.5, (place % wide) + x - 0.5]);
    if (next === undefined) return ring;
    direction = next;
  }
}
