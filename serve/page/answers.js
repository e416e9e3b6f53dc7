/** What models find in one image: each is asked once. */

import { FASTEST } from "./models.js";
import { Pace } from "./pace.js";
import { particleOf } from "./particles.js";

export class Answers {
  #server;
  #works;
  #pace = new Pace();
  #file = null;
  #shape = null;
  #known = new Map();

  constructor(server, works) {
    this.#server = server;
    this.#works = works;
  }

  /** Take another image; what was found in the one before is forgotten. */
  begin(file, shape) {
    this.#file = file;
    this.#shape = shape;
    this.#known.clear();
  }

  /**
   * Return what a model finds, as particles and notes; null if it was refused or stopped, or the image is another now.
   *
   * @param {{model: string, polarity: string}} asked
   * @param {{kind: string, title: string, retry: (model: string) => void}} about  `retry` asks again, this or a faster model
   */
  async of({ model, polarity }, { kind, title, retry }) {
    const key = `${model} ${polarity}`, file = this.#file, shape = this.#shape, pixels = shape.height * shape.width;
    if (this.#known.has(key)) {
      this.#works.stopAll(kind);
      return this.#known.get(key);
    }
    const about = { text: `${title} is looking`, usual: this.#pace.usual(model, pixels), again: () => retry(model) };
    const faster = model === FASTEST || kind !== "find" ? {} : {
      slow: "Large images take long. Stop it to choose a faster model.",
      instead: { name: `Use ${FASTEST}`, act: () => retry(FASTEST) },
    };
    const since = performance.now();
    const answer = await this.#works.run(kind, { ...about, ...faster }, (signal) => this.#server.segment(file, { model, polarity }, signal));
    if (!answer || file !== this.#file) return null;
    this.#pace.took(model, pixels, (performance.now() - since) / 1000);
    this.#known.set(key, { particles: answer.instances.map((one) => particleOf(one, shape)), notes: answer.notes });
    return this.#known.get(key);
  }
}
