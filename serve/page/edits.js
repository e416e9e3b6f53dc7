/** What was done to the particles, so that it can be undone: a row of lists, and where we are in it. */

export class Edits {
  #states;
  #at = 0;

  /** Begin with what a model found. */
  constructor(particles, model) {
    this.#states = [{ particles, model, what: "" }];
  }

  get particles() { return this.#states[this.#at].particles; }
  get model() { return this.#states[this.#at].model; }
  get canUndo() { return this.#at > 0; }
  get canRedo() { return this.#at < this.#states.length - 1; }

  /** Go on from here to `particles`; what was undone before is gone. */
  become(particles, what, model = this.model) {
    this.#states.length = this.#at + 1;
    this.#states.push({ particles, model, what });
    this.#at++;
  }

  /** Go one back, and return what is undone. */
  undo() { return this.canUndo ? this.#states[this.#at--].what : null; }

  /** Go one forward, and return what is done again. */
  redo() { return this.canRedo ? this.#states[++this.#at].what : null; }
}
