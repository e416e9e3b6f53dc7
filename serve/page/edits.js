/** What was done to the particles, so that it can be undone: a row of states, and where we are in it. */

/** @typedef {{particles: object[], model: string, polarity: string, notes: string[], what: string, byHand: boolean}} State */

export class Edits {
  #states;
  #at = 0;

  /** Begin with what a model found. @param {Partial<State>} found */
  constructor(found) {
    this.#states = [{ notes: [], what: "", byHand: false, ...found }];
  }

  /** @returns {State} */
  get now() { return this.#states[this.#at]; }
  get canUndo() { return this.#at > 0; }
  get canRedo() { return this.#at < this.#states.length - 1; }

  /** Go on from here to another state; what was undone before is gone. @param {Partial<State>} change */
  become(change) {
    this.#states.length = this.#at + 1;
    this.#states.push({ ...this.now, ...change });
    this.#at++;
  }

  /** Go one back, and return what is undone. */
  undo() { return this.canUndo ? this.#states[this.#at--].what : null; }

  /** Go one forward, and return what is done again. */
  redo() { return this.canRedo ? this.#states[++this.#at].what : null; }
}
