/** One image and what is known of its particles. Knows the server, not the page; says when something changed. */

import { Answers } from "./answers.js";
import { Edits } from "./edits.js";
import { agreeing, joined, labelsOf, particleOf, within } from "./particles.js";
import { Prompts, isThere } from "./prompts.js";
import { Unit, count } from "./sizes.js";
import { Works } from "./work.js";

export class Session extends EventTarget {
  models = [];
  championFrom = null;
  championProblem = null;
  model = null;
  polarity = "auto";
  picture = null;
  name = "";
  other = null;
  selected = new Set();
  #server;
  #works;
  #answers;
  #prompts;
  #file = null;
  #edits = null;
  #labels = null;
  #scale = { file: null, own: null };
  #saved = null;
  #looked = false;

  constructor(server) {
    super();
    this.#server = server;
    this.#works = new Works({
      changed: () => this.dispatchEvent(new Event("working")),
      refused: (no) => this.dispatchEvent(new CustomEvent("refused", { detail: no })),
    });
    this.#answers = new Answers(server, this.#works);
    this.#prompts = new Prompts((asked) => this.#ask(asked), () => this.#changed(""));
  }

  get particles() { return this.#edits?.now.particles ?? []; }
  get notes() { return this.#edits?.now.notes ?? []; }
  get found() { return this.#edits !== null; }
  get finding() { return this.#works.has("find"); }
  get doing() { return this.#works.latest; }
  get waiting() { return this.#prompts.waiting; }
  get shape() { return { height: this.picture.height, width: this.picture.width }; }
  get nm() { return this.#scale.own ?? this.#scale.file; }
  get scale() { return this.#scale; }
  get unit() { return new Unit(this.nm); }
  get canUndo() { return this.#edits?.canUndo ?? false; }
  get canRedo() { return this.#edits?.canRedo ?? false; }
  /** Whether what was done by hand would be lost with this image. */
  get unsaved() { return (this.#edits?.now.byHand ?? false) && this.particles !== this.#saved; }
  /** How many particles both models have. */
  get agreed() { return agreeing(this.#labels, this.other.labels, this.particles, this.other.particles); }

  /** Take the list of models; the champion is chosen. `again` is what a new try begins with. */
  async start(again) {
    await this.#works.run("start", { text: "Asking which models there are", again }, async (signal) => {
      const { champion, champion_from, champion_problem, models } = await this.#server.models(signal);
      Object.assign(this, { models, championFrom: champion_from, championProblem: champion_problem });
      this.model ??= champion;
    });
    return this.models.length > 0;
  }

  /** Show an image and find its particles. `nm` is its pixel size, where it is known otherwise than by the file. */
  async open(file, { name = nameOf(file), nm = null } = {}) {
    this.#works.stopAll();
    this.#prompts.forget();
    const about = { text: `Opening ${name}`, name, again: () => this.open(file, { name, nm }) };
    await this.#works.run("open", about, async (signal) => {
      const view = await this.#server.view(file, signal);
      const bitmap = await createImageBitmap(view.png, { colorSpaceConversion: "none" });
      signal.throwIfAborted();
      this.#begin(file, bitmap);
      this.#scale = { file: nm ?? view.nm, own: null };
      this.name = name;
      this.dispatchEvent(new Event("opened"));
    });
    if (this.#file === file) await this.find();
  }

  /** Find particles with the model that is chosen. What was there before can be had back by undo. */
  async find(model = this.model, polarity = this.polarity) {
    if (!this.found) {
      Object.assign(this, { model, polarity });
      this.#changed("");
    }
    const answer = await this.#answers.of({ model, polarity }, { kind: "find", title: this.title(model), retry: (other) => this.find(other, polarity) });
    if (!answer) return this.#changed("");
    Object.assign(this, { model, polarity });
    const found = { ...answer, model, polarity, what: this.title(model), byHand: false };
    if (this.#edits) this.#edits.become(found);
    else this.#edits = new Edits(found);
    return this.#now(`${this.title(model)} found ${count(answer.particles.length)}`);
  }

  async choosePolarity(polarity) {
    if (!this.picture) this.polarity = polarity;
    else await this.find(this.model, polarity);
    if (this.other && this.polarity === polarity) await this.compare(this.other.model);
  }

  /** Show another model's particles beside; `null` ends it. */
  async compare(model) {
    if (model === null) {
      this.other = null;
      return this.#changed("Comparison ended");
    }
    const answer = await this.#answers.of({ model, polarity: this.polarity }, { kind: "compare", title: this.title(model), retry: (other) => this.compare(other) });
    if (!answer) return undefined;
    const { particles } = answer;
    this.other = { model, particles, labels: labelsOf(particles, this.shape) };
    return this.#changed(`${this.title(model)} found ${count(particles.length)}`, { shown: true });
  }

  /** Ask for particles at points and in boxes. */
  add(prompts) { return this.#prompts.add(prompts); }

  /** Take over a particle as it is. */
  adopt(particle) {
    this.#join([{ ...particle, origin: "other model" }]);
  }

  remove(particles = [...this.selected]) {
    const gone = new Set(particles);
    const left = this.particles.filter((particle) => !gone.has(particle));
    if (left.length === this.particles.length) return;
    const what = `deleted ${count(this.particles.length - left.length)}`;
    this.#edits.become({ particles: left, what, byHand: true });
    this.#now(capital(what));
  }

  undo() { this.#travel(this.#edits?.undo(), "Undone"); }
  redo() { this.#travel(this.#edits?.redo(), "Done again"); }

  /** Remember that the particles as they are now were saved. */
  keep() { this.#saved = this.particles; }

  select(particles, said = "", how = {}) {
    this.selected = new Set(particles);
    this.#changed(said, how);
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

  /** End what was begun last. */
  stop() { this.#works.stop(); }

  #begin(file, bitmap) {
    this.#file = file;
    this.picture = { bitmap, width: bitmap.width, height: bitmap.height };
    this.#answers.begin(file, this.shape);
    this.#edits = this.#labels = this.other = this.#saved = null;
    this.#looked = false;
    this.selected = new Set();
  }

  async #ask(asked) {
    const takes = this.models.find((model) => model.name === this.model)?.takes_prompts;
    const file = this.#file;
    const text = this.#looked ? "Looking there" : "Studying the image (for the first click only)";
    const answer = await this.#works.run("prompt", { text, again: () => this.add(asked) }, (signal) =>
      this.#server.prompt(file, { ...asked, model: takes ? this.model : null }, signal));
    if (!answer || file !== this.#file) return false;
    this.#prompts.answered(asked);
    this.#looked = true;
    this.#edits ??= new Edits({ particles: [], model: this.model, polarity: this.polarity });
    const found = answer.instances.filter((one) => isThere(one, asked)).map((one) => particleOf(one, this.shape, one.prompt.split(" ")[0]));
    if (found.length) this.#join(found);
    else this.#changed("Nothing was found there", { shown: true });
    return true;
  }

  /** Put particles among those that are there: one step to undo. */
  #join(found) {
    const { particles, added, instead, replaced } = joined(this.particles, found, this.shape);
    if (!added.length) return this.select(instead, "It is there already", { shown: true });
    const what = `added ${count(added.length)}`;
    this.#edits.become({ particles, what, byHand: true });
    const size = added.length === 1 ? `, ${this.unit.length(added[0].diameter)} wide` : "";
    return this.#now(`${capital(what)}${size}${replaced ? `; ${replaced} gave way to it` : ""}`, added);
  }

  #travel(what, how) {
    if (what === null || what === undefined) return;
    const { model, polarity } = this.#edits.now;
    Object.assign(this, { model, polarity });
    this.#now(`${how}: ${what}`);
  }

  #now(said, selected = []) {
    this.#labels = labelsOf(this.particles, this.shape);
    this.selected = new Set(selected);
    this.#changed(said, { shown: true });
  }

  /** Say that something changed, to those who listen and, if it is to be `shown`, to those who see. */
  #changed(said, { shown = false } = {}) {
    this.dispatchEvent(new CustomEvent("changed", { detail: { said, shown } }));
  }
}

export function nameOf(file) {
  return file.name || "pasted image";
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}
