/** What is under way with the server: at most one of each kind. A newer one of a kind ends the older. */

export class Works {
  #under = [];
  #changed;
  #refused;

  /** @param {{changed: () => void, refused: (no: {error: Error, name?: string, again?: () => void, instead?: object}) => void}} told */
  constructor({ changed, refused }) {
    this.#changed = changed;
    this.#refused = refused;
  }

  /** What was begun last, or null. */
  get latest() { return this.#under.at(-1) ?? null; }

  has(kind) { return this.#under.some((work) => work.kind === kind); }

  /** End what was begun last. */
  stop() { this.latest?.controller.abort(); }

  /** End all, or all of a kind. */
  stopAll(kind = null) {
    for (const work of this.#under) if (!kind || work.kind === kind) work.controller.abort();
  }

  /**
   * Do something that takes time and can be refused; returns undefined if it was, or was stopped.
   *
   * @param {{text: string, usual?: number, slow?: string, name?: string, again?: () => void, instead?: object}} about
   *   what is said of it: `usual` are the seconds it takes, `slow` is said where it takes long; `again` and
   *   `instead` are what can be done after a refusal
   */
  async run(kind, about, task) {
    this.stopAll(kind);
    const work = { ...about, kind, since: performance.now(), controller: new AbortController() };
    const { signal } = work.controller;
    this.#under.push(work);
    this.#changed();
    try {
      const made = await task(signal);
      return signal.aborted ? undefined : made;
    } catch (error) {
      if (error.name !== "AbortError") this.#refused({ error, ...about });
      return undefined;
    } finally {
      this.#under.splice(this.#under.indexOf(work), 1);
      this.#changed();
    }
  }
}
