/** How long models took on images of a size, so that a wait has an end in sight. */

const ALIKE = 1.25; // ratio of pixels up to which two images take as long

export class Pace {
  #took = new Map();

  /** Remember that a model took so many seconds for so many pixels. */
  took(model, pixels, seconds) {
    this.#took.set(model, [...this.#of(model).filter((one) => !alike(one.pixels, pixels)), { pixels, seconds }]);
  }

  /** Return the seconds that a model took last for about as many pixels, or undefined. */
  usual(model, pixels) {
    return this.#of(model).find((one) => alike(one.pixels, pixels))?.seconds;
  }

  #of(model) { return this.#took.get(model) ?? []; }
}

function alike(a, b) {
  return Math.max(a, b) <= ALIKE * Math.min(a, b);
}
