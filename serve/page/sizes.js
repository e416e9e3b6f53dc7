/** Numbers that a person reads: sizes with their unit, and what sums them up. */

const FEWEST = 6; // bins, so that one size alone is a bar among empty ones

/** Lengths in nm where the pixel size is known, in px where it is not. */
export class Unit {
  /** @param {number | null} nm  edge of a pixel */
  constructor(nm) {
    this.nm = nm;
    this.name = nm ? "nm" : "px";
    this.factor = nm ?? 1;
  }

  length(px) { return `${digits(px * this.factor)} ${this.name}`; }
  area(px) { return `${digits(px * this.factor ** 2)} ${this.name}²`; }
}

export function count(number) {
  return number === 1 ? "1 particle" : `${number} particles`;
}

/** Return a number to three digits that count, without an exponent where it can be read without. */
export function digits(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-3)) return value.toExponential(2);
  const after = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toFixed(after);
}

/** Return count, mean, median and standard deviation (n - 1). */
export function summary(values) {
  const count = values.length;
  if (!count) return { count, mean: NaN, median: NaN, deviation: NaN };
  const sorted = Float64Array.from(values).sort();
  const mean = sorted.reduce((sum, value) => sum + value, 0) / count;
  const middle = count >> 1;
  const median = count % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, median, deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : NaN };
}

/** Return 1, 2 or 5 times a power of ten: the first that is not below `least`. */
export function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least * (1 - 1e-9));
}

/** Return a tick's number without the noise of floating point. */
export function tick(value, step) {
  const after = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return after > 6 ? value.toExponential(1) : value.toFixed(after);
}

/** Return bins of equal, round width over the values: about as wide as Freedman and Diaconis 1981 have them, 6 to 30 of them. */
export function bins(values) {
  if (!values.length) return { edges: [], step: 1 };
  const sorted = Float64Array.from(values).sort();
  const at = (q) => sorted[Math.floor(q * (sorted.length - 1))];
  const low = sorted[0], high = sorted.at(-1);
  const reach = high - low || Math.max(high, 1) * 0.1;
  const wanted = (2 * (at(0.75) - at(0.25))) / Math.cbrt(sorted.length) || reach / 8;
  const step = roundStep(Math.min(Math.max(wanted / 2, reach / 28), reach / 12));
  let first = Math.floor(low / step + 1e-9), last = Math.floor(high / step + 1e-9) + 1;
  for (let before = true; last - first < FEWEST; before = !before) {
    if (before && first > 0) first--;
    else last++;
  }
  return { edges: Array.from({ length: last - first + 1 }, (_, k) => (first + k) * step), step };
}

/** Return which bin a value is in. */
export function binOf(value, { edges, step }) {
  return Math.min(Math.max(Math.floor(value / step + 1e-9) - Math.round(edges[0] / step), 0), edges.length - 2);
}
