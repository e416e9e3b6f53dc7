/** Asking for particles at points and in boxes. While one request is under way, further ones gather for the next. */

const NEAR = 2; // px from a click to the box of its particle

export class Prompts {
  waiting = nothing();
  #asking = false;
  #ask;
  #changed;

  /** @param {(asked: object) => Promise<boolean>} ask  asks the server; false if it was refused or stopped */
  constructor(ask, changed) {
    this.#ask = ask;
    this.#changed = changed;
  }

  async add({ points = [], boxes = [] }) {
    this.waiting.points.push(...points);
    this.waiting.boxes.push(...boxes);
    this.#changed();
    if (this.#asking) return;
    this.#asking = true;
    while (this.waiting.points.length + this.waiting.boxes.length) {
      const asked = { points: [...this.waiting.points], boxes: [...this.waiting.boxes] };
      if (!(await this.#ask(asked))) break;
    }
    this.#asking = false;
    this.forget();
    this.#changed();
  }

  /** Take what was answered from what waits. */
  answered({ points, boxes }) {
    this.waiting.points.splice(0, points.length);
    this.waiting.boxes.splice(0, boxes.length);
  }

  forget() { this.waiting = nothing(); }
}

/** Tell whether an instance lies where it was asked for: a click on nothing can bring its neighbour. */
export function isThere({ prompt, box: [y0, x0, y1, x1] }, { points }) {
  const [kind, at] = prompt.split(" ");
  if (kind !== "point") return true;
  const [x, y] = points[at];
  return x >= x0 - NEAR && x < x1 + NEAR && y >= y0 - NEAR && y < y1 + NEAR;
}

function nothing() {
  return { points: [], boxes: [] };
}
