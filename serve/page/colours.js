/** Colours of particles: by size, from violet to yellow (brightness grows with size), or each its own. */

const BY_SIZE = ["#8a6cff", "#c65bd6", "#f0609a", "#ff8a5c", "#ffb84a", "#ffe66b"].map(rgb);
// Paul Tol's vibrant and bright schemes, as in graticule's reports.
const OWN = ["#66ccee", "#ee7733", "#ccbb44", "#eedd88", "#44bb99", "#ffaabb", "#bbcc33", "#ee3377", "#aa66dd", "#4477ff", "#33bbee", "#ee6677"].map(rgb);

/** Return the colour at a place from 0 to 1. */
export function sizeColour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (BY_SIZE.length - 1);
  const low = Math.min(Math.floor(place), BY_SIZE.length - 2), part = place - low;
  return BY_SIZE[low].map((value, k) => Math.round(value + (BY_SIZE[low + 1][k] - value) * part));
}

/** Return particle -> colour for a list of them. `range` holds the least and the largest diameter, in px. */
export function colouring(kind, range) {
  if (kind === "own") return (_, index) => OWN[(index * 5) % OWN.length];
  const [low, high] = range;
  return (particle) => sizeColour(high > low ? (particle.diameter - low) / (high - low) : 0.5);
}

export function css([r, g, b], alpha = 1) {
  return `rgb(${r} ${g} ${b} / ${alpha})`;
}

function rgb(code) {
  return [1, 3, 5].map((at) => parseInt(code.slice(at, at + 2), 16));
}
