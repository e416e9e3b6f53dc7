/** The histogram of sizes: bars in the masks' colours, mean and median as lines, another model's as steps. */

import { binOf, bins, roundStep, summary, tick } from "./sizes.js";
import { css } from "./colours.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 276, HEIGHT = 132, LEFT = 26, BOTTOM = 32, TOP = 14, RIGHT = 6;

export class Histogram {
  #root;
  #told;
  #groups = [];
  #at = -1;

  /**
   * @param {HTMLElement} root
   * @param {{lit: (particles: object[]) => void, chosen: (particles: object[]) => void, said: (text: string) => void}} told
   */
  constructor(root, told) {
    this.#root = root;
    this.#told = told;
    root.addEventListener("keydown", (event) => this.#key(event));
    root.addEventListener("blur", () => this.#light(-1));
    root.addEventListener("pointerleave", () => this.#light(-1));
  }

  /** Draw the particles' diameters; `others` are those of the model beside, or null. */
  draw(particles, others, { unit, colourOf }) {
    const values = particles.map((p) => p.diameter * unit.factor);
    const theirs = others?.map((p) => p.diameter * unit.factor) ?? [];
    const { edges, step } = bins([...values, ...theirs]);
    this.#at = -1;
    this.#root.replaceChildren();
    if (!edges.length) return this.#root.setAttribute("aria-label", "No particles to count");
    this.#groups = grouped(particles, values, { edges, step });
    const counts = this.#groups.map((group) => group.length);
    const beside = theirs.length ? grouped(others, theirs, { edges, step }).map((group) => group.length) : null;
    const most = Math.max(1, ...counts, ...(beside ?? []));
    const x = (value) => LEFT + ((value - edges[0]) / (edges.at(-1) - edges[0])) * (WIDTH - LEFT - RIGHT);
    const y = (n) => HEIGHT - BOTTOM - (n / most) * (HEIGHT - BOTTOM - TOP);
    const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" });
    svg.append(...axes(edges, step, most, unit, { x, y }), ...this.#bars(edges, step, { x, y, unit, colourOf }));
    if (beside) svg.append(steps(beside, edges, { x, y }));
    svg.append(...averages(summary(values), { x, y }));
    this.#root.append(svg);
    return this.#root.setAttribute("aria-label", this.#label(values, edges, step, unit));
  }

  #label(values, edges, step, unit) {
    return `Histogram of ${values.length} diameters from ${tick(edges[0], step)} to ${tick(edges.at(-1), step)} ${unit.name}. Left and right go through its bars, Enter selects the particles of one.`;
  }

  #bars(edges, step, { x, y, unit, colourOf }) {
    return this.#groups.map((group, k) => {
      const left = x(edges[k]), wide = x(edges[k + 1]) - left;
      const bar = shape("g", { class: "bar" });
      bar.append(shape("rect", { class: "room", x: left, y: TOP, width: wide, height: HEIGHT - BOTTOM - TOP }));
      const middle = (edges[k] + edges[k + 1]) / 2 / unit.factor;
      const fill = shape("rect", { x: left + 0.75, y: y(group.length), width: Math.max(wide - 1.5, 0.5), height: HEIGHT - BOTTOM - y(group.length) });
      fill.setAttribute("fill", css(colourOf({ diameter: middle }, k)));
      const title = shape("title");
      title.textContent = said(group, k, edges, step, unit);
      bar.append(fill, title);
      bar.addEventListener("pointerenter", () => this.#light(k));
      bar.addEventListener("click", () => this.#told.chosen(group));
      bar.dataset.said = title.textContent;
      return bar;
    });
  }

  #key(event) {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key], last = this.#groups.length - 1;
    if (move && last >= 0) {
      this.#light(Math.min(Math.max(this.#at + move, 0), last));
      this.#told.said(this.#root.querySelectorAll(".bar")[this.#at].dataset.said);
    } else if ((event.key === "Enter" || event.key === " ") && this.#at >= 0) this.#told.chosen(this.#groups[this.#at]);
    else return;
    event.preventDefault();
  }

  #light(at) {
    this.#at = at;
    this.#root.querySelectorAll(".bar").forEach((bar, k) => bar.classList.toggle("lit", k === at));
    this.#told.lit(at < 0 ? [] : this.#groups[at]);
  }
}

function grouped(particles, values, all) {
  const groups = Array.from({ length: all.edges.length - 1 }, () => []);
  particles.forEach((particle, k) => groups[binOf(values[k], all)].push(particle));
  return groups;
}

function said(group, k, edges, step, unit) {
  return `${tick(edges[k], step)} to ${tick(edges[k + 1], step)} ${unit.name}: ${group.length}`;
}

function axes(edges, step, most, unit, { x, y }) {
  const floor = HEIGHT - BOTTOM, every = Math.round(roundStep((step * (edges.length - 1)) / 6) / step) || 1;
  const named = (edge) => Math.round(edge / step) % every === 0;
  const parts = [shape("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: floor + 0.5, y2: floor + 0.5 })];
  for (const edge of edges) {
    parts.push(shape("line", { class: "axis", x1: x(edge), x2: x(edge), y1: floor, y2: floor + (named(edge) ? 4 : 2) }));
    if (named(edge)) parts.push(text(tick(edge, step * every), x(edge), floor + 14, x(edge) > WIDTH - 16 ? "end" : "middle"));
  }
  parts.push(shape("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(most), y2: y(most) }));
  parts.push(text(String(most), LEFT - 5, y(most) + 3.5, "end"), text("0", LEFT - 5, floor + 1, "end"));
  parts.push(text(`equivalent diameter, ${unit.name}`, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, "middle"));
  return parts;
}

function steps(counts, edges, { x, y }) {
  const line = counts.map((n, k) => `H${x(edges[k])}V${y(n)}H${x(edges[k + 1])}`).join("");
  return shape("path", { class: "steps", d: `M${x(edges[0])} ${y(0)}${line}V${y(0)}` });
}

function averages({ count, mean, median }, { x, y }) {
  if (!count) return [];
  const line = (value, kind) => shape("path", { class: `average ${kind}`, d: `M${x(value)} ${y(0)}V${TOP - 4}` });
  return [line(median, "median"), line(mean, "mean")];
}

function text(said_, x, y, anchor) {
  const made = shape("text", { x, y, "text-anchor": anchor });
  made.textContent = said_;
  return made;
}

function shape(name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

