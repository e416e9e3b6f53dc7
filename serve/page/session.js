/** One image and what is known of its particles. Knows the server, not the page; says when something changed. */

import { Edits } from "./edits.js";
import { agreeing, labelsOf, particleOf, withAdded, within } from "./particles.js";
import { Unit } from "./sizes.js";

const NEAR = 2; // px from a click to the box of its particle

export class Session extends EventTarget {
  models = [];
  championProblem = null;
  model = null;
  polarity = "auto";
  picture = null;
  name = "";
  notes = [];
  other = null;
  selected = new Set();
  doing = null;
  waiting = { points: [], boxes: [] };
  #server;
  #file = null;
  #edits = null;
  #labels = null;
  #answers = new Map();
  #scale = { file: null, own: null };
  #asking = false;
  #looked = false;

  constructor(server) {
    super();
    this.#server = server;
  }

  get particles() { return this.#edits?.particles ?? []; }
  get labels() { return this.#labels; }
  get found() { return this.#edits !== null; }
  get shape() { return { height: this.picture.height, width: this.picture.width }; }
  get nm() { return this.#scale.own ?? this.#scale.file; }
  get scale() { return this.#scale; }
  get unit() { return new Unit(this.nm); }
  get canUndo() { return this.#edits?.canUndo ?? false; }
  get canRedo() { return this.#edits?.canRedo ?? false; }

  /** Take the list of models; the champion is chosen. `again` is what a new try begins with. */
  async start(again) {
    await this.#work("Asking which models there are", async (signal) => {
      const { champion, champion_problem, models } = await this.#server.models(signal);
      this.models = models;
      this.model ??= champion;
      this.championProblem = champion_problem;
    }, again);
    return this.models.length > 0;
  }

  /** Show an image and find its particles. `nm` is its pixel size, where it is known otherwise than by the file. */
  async open(file, { name = file.name || "pasted image", nm = null } = {}) {
    this.#stop();
    await this.#work(`Opening ${name}`, async (signal) => {
      const view = await this.#server.view(file, signal);
      const bitmap = await createImageBitmap(view.png, { colorSpaceConversion: "none" });
      this.#forget();
      this.#file = file;
      this.#scale = { file: nm ?? view.nm, own: null };
      this.picture = { bitmap, width: bitmap.width, height: bitmap.height };
      this.name = name;
      this.dispatchEvent(new Event("opened"));
    }, () => this.open(file, { name, nm }));
    if (this.#file === file) await this.find();
  }

  /** Find particles with the model that is chosen. What was there before can be had back by undo. */
  async find(model = this.model) {
    const answer = await this.#answer(model, () => this.find(model));
    if (!answer) return;
    this.model = model;
    this.notes = answer.notes;
    if (this.#edits) this.#edits.become(answer.particles, this.title(model), model);
    else this.#edits = new Edits(answer.particles, model);
    this.#now(`${this.title(model)} found ${count(answer.particles.length)}`);
  }

  async choosePolarity(polarity) {
    this.polarity = polarity;
    this.#answers.clear();
    if (!this.picture) return;
    await this.find();
    if (this.other) await this.compare(this.other.model);
  }

  /** Show another model's particles beside; `null` ends it. */
  async compare(model) {
    if (model === null) {
      this.other = null;
      return this.#changed("Comparison ended");
    }
    const answer = await this.#answer(model, () => this.compare(model));
    if (!answer) return;
    this.other = { model, particles: answer.particles, labels: labelsOf(answer.particles, this.shape) };
    this.#changed(`${this.title(model)} found ${count(answer.particles.length)}`);
  }

  /** Return how many particles both models have. */
  get agreed() {
    return agreeing(this.#labels, this.other.labels, this.particles, this.other.particles);
  }

  /** Ask for particles at points and in boxes. While one request is under way, further ones gather for the next. */
  async add({ points = [], boxes = [] }) {
    this.waiting.points.push(...points);
    this.waiting.boxes.push(...boxes);
    this.dispatchEvent(new Event("changed"));
    if (this.#asking) return;
    this.#asking = true;
    while (this.#file && this.waiting.points.length + this.waiting.boxes.length) {
      const asked = { points: [...this.waiting.points], boxes: [...this.waiting.boxes] };
      if (!(await this.#ask(asked))) break;
    }
    this.waiting = { points: [], boxes: [] };
    this.#asking = false;
    this.dispatchEvent(new Event("changed"));
  }

  /** Take over a particle as it is. */
  adopt(particle) {
    this.#join([{ ...particle, origin: "other model" }], "added");
  }

  remove(particles = [...this.selected]) {
    const gone = new Set(particles);
    const left = this.particles.filter((particle) => !gone.has(particle));
    if (left.length === this.particles.length) return;
    const what = `deleted ${count(this.particles.length - left.length)}`;
    this.#edits.become(left, what);
    this.#now(capital(what));
  }

  undo() { this.#travel(this.#edits?.undo(), "Undone"); }
  redo() { this.#travel(this.#edits?.redo(), "Done again"); }

  select(particles, said = "") {
    this.selected = new Set(particles);
    this.#changed(said);
  }

  selectWithin(box) {
    const inside = within(this.particles, box);
    this.select(inside, inside.length ? `${count(inside.length)} selected` : "");
    return inside;
  }

  /** Say what a pixel is in nm; `null`: what the file says. */
  setScale(nm) {
    this.#scale = { ...this.#scale, own: nm };
    this.#changed(this.nm ? `A pixel is ${this.nm} nm` : "The scale is unknown; sizes are in pixels");
  }

  /** Return the particle at a place of the image, of this model's or the other's. */
  at(x, y, { other = false } = {}) {
    const column = Math.round(x), row = Math.round(y);
    const labels = other ? this.other?.labels : this.#labels;
    if (!labels || column < 0 || row < 0 || column >= this.picture.width || row >= this.picture.height) return null;
    const label = labels[row * this.picture.width + column];
    return label ? (other ? this.other.particles : this.particles)[label - 1] : null;
  }

  /** Return a model's name as people say it. */
  title(name) {
    const entry = this.models.find((model) => model.name === name);
    return entry && entry.name !== entry.network ? `${entry.network} v${name.split("/").at(-1)}` : name;
  }

  stop() { this.doing?.controller.abort(); }

  #stop() {
    this.stop();
    this.waiting = { points: [], boxes: [] };
  }

  #forget() {
    this.#edits = this.#labels = this.other = null;
    this.notes = [];
    this.#looked = false;
    this.#answers.clear();
    this.selected = new Set();
  }

  async #ask(asked) {
    const takes = this.models.find((model) => model.name === this.model)?.takes_prompts;
    const file = this.#file;
    const text = this.#looked ? "Looking there" : "Studying the image (for the first click only)";
    const answer = await this.#work(text, (signal) =>
      this.#server.prompt(file, { ...asked, model: takes ? this.model : null }, signal), () => this.add(asked));
    if (!answer || file !== this.#file) return false;
    this.waiting.points.splice(0, asked.points.length);
    this.waiting.boxes.splice(0, asked.boxes.length);
    this.#looked = true;
    this.#edits ??= new Edits([], this.model);
    const found = answer.instances.filter((one) => isThere(one, asked)).map((one) => particleOf(one, this.shape, one.prompt.split(" ")[0]));
    if (found.length) this.#join(found, "added");
    else this.#changed("Nothing was found there");
    return true;
  }

  /** Put particles among those that are there: one step to undo. */
  #join(found, what) {
    let particles = this.particles, labels = this.#labels ?? labelsOf(particles, this.shape), joined = 0;
    const added = [], instead = [];
    for (const particle of found) {
      const after = withAdded(particles, labels, particle, this.shape);
      if (after.added) {
        particles = after.particles;
        labels = labelsOf(particles, this.shape);
        added.push(after.added);
        joined += after.joined;
      } else if (after.instead) instead.push(after.instead);
    }
    if (!added.length) return this.select(instead, "It is there already");
    this.#edits.become(particles, `${what} ${count(added.length)}`);
    const size = added.length === 1 ? `, ${this.unit.length(added[0].diameter)} wide` : "";
    this.#now(`${capital(what)} ${count(added.length)}${size}${joined ? `; ${joined} gave way to it` : ""}`, added.filter((p) => particles.includes(p)));
  }

  async #answer(model, again) {
    if (!this.#answers.has(model)) {
      const file = this.#file;
      const options = { model, polarity: this.polarity };
      const answer = await this.#work(`${this.title(model)} is looking`, (signal) => this.#server.segment(file, options, signal), again);
      if (!answer || file !== this.#file) return null;
      const particles = answer.instances.map((one) => particleOf(one, this.shape));
      this.#answers.set(model, { particles, notes: answer.notes });
    }
    return this.#answers.get(model);
  }

  #travel(what, how) {
    if (what === null || what === undefined) return;
    this.model = this.#edits.model;
    this.#now(`${how}: ${what}`);
  }

  #now(said, selected = []) {
    this.#labels = labelsOf(this.particles, this.shape);
    this.selected = new Set(selected);
    this.#changed(said);
  }

  #changed(said) {
    this.dispatchEvent(new CustomEvent("changed", { detail: said }));
  }

  /** Do something that takes time and can be refused; returns undefined if it was, or was stopped. */
  async #work(text, task, again) {
    const work = { text, since: performance.now(), controller: new AbortController() };
    this.doing = work;
    this.dispatchEvent(new Event("working"));
    try {
      return await task(work.controller.signal);
    } catch (error) {
      if (error.name !== "AbortError") this.dispatchEvent(new CustomEvent("refused", { detail: { error, again } }));
      return undefined;
    } finally {
      if (this.doing === work) this.doing = null;
      this.dispatchEvent(new Event("working"));
    }
  }
}

/** Tell whether an instance lies where it was asked for: a click on nothing can bring its neighbour. */
function isThere({ prompt, box: [y0, x0, y1, x1] }, { points }) {
  const [kind, at] = prompt.split(" ");
  if (kind !== "point") return true;
  const [x, y] = points[at];
  return x >= x0 - NEAR && x < x1 + NEAR && y >= y0 - NEAR && y < y1 + NEAR;
}

export function count(number) {
  return number === 1 ? "1 particle" : `${number} particles`;
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}
