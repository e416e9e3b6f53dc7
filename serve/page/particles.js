/** Particles: from the server's answer, measured, numbered, and how a new one joins those that are there. */

import { filled, traced } from "./outlines.js";

const REPLACED = 0.6; // share of an old particle that a new one covers to take its place
const SAME = 0.9; // overlap from which a new particle is an old one
const NOTHING_NEW = 0.2; // share of a new particle that is left when the old ones keep their pixels

/** Return the particle that an instance of the answer describes. */
export function particleOf(instance, shape, origin = "model") {
  return made(filled(instance.polygon), shape, { score: instance.score, origin, rings: instance.polygon });
}

/** Return the image of numbers: 0 is background, n the n-th particle. */
export function labelsOf(particles, { height, width }) {
  const labels = new Uint32Array(height * width);
  particles.forEach((particle, index) => paint(labels, width, particle.mask, index + 1));
  return labels;
}

/**
 * Return particles with a new one among them; each pixel stays one particle's.
 *
 * An old one that is mostly covered gives way (pieces become one); others keep their pixels.
 * `added` is null where next to nothing is new; `instead` then is the particle that is there already.
 */
export function withAdded(particles, labels, particle, shape) {
  const covered = [...coveredBy(particle.mask, labels, shape.width)].sort((a, b) => b[1] - a[1]);
  const there = (instead) => ({ particles, added: null, instead: instead ?? null, joined: 0 });
  const same = covered.find(([n, shared]) => overlap(shared, particles[n - 1].area, particle.area) > SAME);
  if (same) return there(particles[same[0] - 1]);
  const replaced = new Set(covered.filter(([n, shared]) => shared >= REPLACED * particles[n - 1].area).map(([n]) => n));
  const free = freed(particle, labels, replaced, shape);
  if (!free || free.area < NOTHING_NEW * particle.area) return there(particles[covered[0][0] - 1]);
  const kept = particles.filter((_, index) => !replaced.has(index + 1));
  return { particles: [...kept, free], added: free, instead: null, joined: replaced.size };
}

/** Return particles with several new ones among them: which were `added`, which were there `instead`, how many were `replaced`. */
export function joined(particles, found, shape) {
  const added = [], instead = [];
  let now = particles, replaced = 0;
  for (const particle of found) {
    const after = withAdded(now, labelsOf(now, shape), particle, shape);
    now = after.particles;
    replaced += after.joined;
    if (after.added) added.push(after.added);
    else if (after.instead) instead.push(after.instead);
  }
  return { particles: now, added: added.filter((one) => now.includes(one)), instead, replaced };
}

/** Return which particles have their centre in a box of x0, y0, x1, y1. */
export function within(particles, [x0, y0, x1, y1]) {
  return particles.filter((p) => p.x >= x0 && p.x <= x1 && p.y >= y0 && p.y <= y1);
}

/** Return how many of two answers' particles are the same: more than half of what both cover is shared. */
export function agreeing(labels, others, particles, theirs) {
  const shared = new Map();
  for (let at = 0; at < labels.length; at++) {
    if (labels[at] && others[at]) {
      const pair = labels[at] * 2 ** 26 + others[at];
      shared.set(pair, (shared.get(pair) ?? 0) + 1);
    }
  }
  let count = 0;
  for (const [pair, pixels] of shared) {
    const a = particles[Math.floor(pair / 2 ** 26) - 1].area, b = theirs[(pair % 2 ** 26) - 1].area;
    if (overlap(pixels, a, b) > 0.5) count++;
  }
  return count;
}

/** Return the share of what two cover that both cover. */
function overlap(shared, a, b) {
  return shared / (a + b - shared);
}

function made(mask, shape, about) {
  const own = measured(mask, shape);
  return Object.freeze({ ...about, ...own, mask, rings: about.rings ?? traced(mask) });
}

/** Measure a mask in pixels. Lengths of the axes: those of the ellipse with the same second moments. */
function measured(mask, shape) {
  const box = [mask.y, mask.x, mask.y + mask.height, mask.x + mask.width];
  let area = 0, sy = 0, sx = 0, syy = 0, sxx = 0, sxy = 0;
  for (let at = 0, y = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++, at++) {
      if (!mask.bits[at]) continue;
      area++; sy += y; sx += x; syy += y * y; sxx += x * x; sxy += x * y;
    }
  }
  const y = sy / area, x = sx / area;
  const axes = axesOf(syy / area - y * y, sxx / area - x * x, sxy / area - x * y);
  const border = box[0] === 0 || box[1] === 0 || box[2] === shape.height || box[3] === shape.width;
  return { area, y: y + mask.y, x: x + mask.x, box, ...axes, diameter: 2 * Math.sqrt(area / Math.PI), border };
}

function axesOf(yy, xx, xy) {
  const middle = (yy + xx) / 2, half = Math.hypot((yy - xx) / 2, xy);
  return { major: 4 * Math.sqrt(middle + half), minor: 4 * Math.sqrt(Math.max(middle - half, 0)) };
}

function paint(labels, width, mask, value) {
  for (let at = 0, y = 0; y < mask.height; y++) {
    let place = (mask.y + y) * width + mask.x;
    for (let x = 0; x < mask.width; x++, at++, place++) if (mask.bits[at]) labels[place] = value;
  }
}

/** Return how many pixels of each particle a mask covers. */
function coveredBy(mask, labels, width) {
  const covered = new Map();
  eachPixel(mask, width, (place) => {
    if (labels[place]) covered.set(labels[place], (covered.get(labels[place]) ?? 0) + 1);
  });
  return covered;
}

/** Return a particle without the pixels of others, or null if none is left. */
function freed(particle, labels, replaced, shape) {
  const { mask } = particle;
  const bits = new Uint8Array(mask.bits.length);
  let left = 0;
  eachPixel(mask, shape.width, (place, at) => {
    if (!labels[place] || replaced.has(labels[place])) left += bits[at] = 1;
  });
  if (left === particle.area) return particle;
  return left ? made(cut({ ...mask, bits }), shape, { score: particle.score, origin: particle.origin }) : null;
}

/** Return a mask cut to its box. */
function cut(mask) {
  return filled(traced(mask));
}

function eachPixel(mask, width, visit) {
  for (let at = 0, y = 0; y < mask.height; y++) {
    let place = (mask.y + y) * width + mask.x;
    for (let x = 0; x < mask.width; x++, at++, place++) if (mask.bits[at]) visit(place, at);
  }
}
