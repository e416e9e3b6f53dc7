/** What happens on the image: pointing at particles, adding, selecting, deleting, comparing. */

import { followStageKeys } from "./keyboard.js";
import { followPointers } from "./pointer.js";
import { count } from "./session.js";
import { summary } from "./sizes.js";
import { Stage } from "./stage.js";

const byId = (id) => document.getElementById(id);
const THUMB = 28; // CSS px, as in the style sheet
const CHOSEN = 124; // CSS px from the top that the bar of the selected takes, unless the readout is there
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Onstage {
  #session;
  #look;
  #notices;
  #stage;
  #canvas = byId("marks");
  #hover = null;
  #crosshair = null;
  #pointer = null;
  #box = null;
  #space = false;

  constructor(session, look, notices) {
    this.#session = session;
    this.#look = look;
    this.#notices = notices;
    this.#stage = new Stage(byId("base"), this.#canvas, () => this.#scene());
    this.#followPointers();
    this.#followKeys();
    this.#followControls();
  }

  /** Show another image. */
  opened() {
    this.#hover = this.#crosshair = this.#box = null;
    this.#stage.fitTo(this.#session.picture);
    this.changed();
    // What had the focus may be gone: a card, an item of a menu.
    if (!document.activeElement?.checkVisibility() || document.activeElement === document.body) this.#canvas.focus();
  }

  /** Show what the session holds now. */
  changed() {
    const session = this.#session, { other } = session;
    const shown = new Set([...session.particles, ...(other?.particles ?? [])]);
    if (this.#hover && !shown.has(this.#hover)) this.#hover = null;
    byId("divider").hidden = !other;
    for (const [id, name] of [["left-name", session.model], ["right-name", other?.model]]) {
      byId(id).hidden = !other;
      byId(id).textContent = other ? session.title(name) : "";
    }
    this.#showChosen();
    this.#beat();
    this.draw();
  }

  draw() {
    this.#stage.draw();
    this.#showReadout();
    byId("zoom-one").textContent = `${Math.round(this.#stage.view.scale * 100)} %`;
  }

  /** Take a tool in hand. */
  take(tool) {
    this.#look.tool = tool;
    byId("tool-point").setAttribute("aria-pressed", String(tool === "point"));
    byId("tool-box").setAttribute("aria-pressed", String(tool === "box"));
    this.#canvas.dataset.tool = tool;
  }

  /** Hide the masks, or show them again. */
  hide() {
    this.#look.hidden = !this.#look.hidden;
    byId("peek").setAttribute("aria-pressed", String(this.#look.hidden));
    this.#notices.say(this.#look.hidden ? "Masks hidden" : "Masks shown");
    this.draw();
  }

  escape() {
    this.#box = null;
    this.#notices.clear();
    this.#session.select([]);
  }

  #scene() {
    const session = this.#session;
    if (!session.picture) return null;
    return {
      picture: session.picture, particles: session.particles, other: session.other, unit: session.unit,
      colourOf: this.#look.colourOf(session), opacity: this.#look.opacity, hidden: this.#look.hidden,
      boundary: this.#boundary, selected: session.selected, lit: this.#look.lit, hover: this.#hover,
      waiting: session.waiting, beat: still.matches ? 0.5 : (1 + Math.sin(performance.now() / 180)) / 2,
      box: this.#box, crosshair: this.#crosshair, pointer: this.#pointer,
    };
  }

  get #boundary() { return this.#stage.boundary(this.#look.split, THUMB); }

  #followPointers() {
    followPointers(this.#canvas, this.#stage, {
      tool: () => this.#look.tool,
      held: () => this.#space,
      moved: (place) => this.#point(place),
      left: () => this.#point(null),
      viewed: () => this.draw(),
      clicked: ([x, y], { place, more }) => this.#click(x, y, { more, other: this.#isOther(place[0]) }),
      boxed: (box, { done }) => this.#boxed(box, done),
    });
    byId("stage").addEventListener("auxclick", (event) => event.preventDefault());
  }

  #followKeys() {
    followStageKeys(this.#canvas, this.#stage, () => this.#session.picture, {
      crosshair: (place) => this.#cross(place),
      clicked: ([x, y]) => this.#click(x, y, { more: false, other: this.#isOther(this.#stage.view.toScreen(x, y)[0]) }),
      boxed: (box, { done }) => this.#boxed(box, done),
      next: (step, moved) => this.#next(step, moved),
      remove: () => this.#session.remove(),
      all: () => this.#session.select(this.#session.particles, `${count(this.#session.particles.length)} selected`),
      viewed: () => this.draw(),
    });
    for (const [kind, held] of [["keydown", true], ["keyup", false]]) {
      this.#canvas.addEventListener(kind, (event) => { if (event.key === " ") this.#space = held; });
    }
  }

  #followControls() {
    const zoom = (factor) => {
      this.#stage.view.zoom(factor, this.#stage.width / 2, this.#stage.height / 2);
      this.draw();
    };
    byId("zoom-in").addEventListener("click", () => zoom(1.25));
    byId("zoom-out").addEventListener("click", () => zoom(0.8));
    byId("zoom-one").addEventListener("click", () => zoom(1 / this.#stage.view.scale));
    byId("zoom-fit").addEventListener("click", () => { this.#stage.view.fit(); this.draw(); });
    byId("tool-point").addEventListener("click", () => this.take("point"));
    byId("tool-box").addEventListener("click", () => this.take("box"));
    byId("peek").addEventListener("click", () => this.hide());
    byId("delete").addEventListener("click", () => { this.#session.remove(); this.#canvas.focus(); });
    byId("unselect").addEventListener("click", () => { this.escape(); this.#canvas.focus(); });
    byId("box-add").addEventListener("click", () => this.#ask({ boxes: [this.#box] }));
    byId("divider").addEventListener("input", ({ target }) => { this.#look.split = target.value / 1000; this.draw(); });
  }

  #isOther(sx) { return this.#session.other !== null && sx > this.#boundary; }

  #point(place) {
    this.#pointer = place;
    const [x, y] = place ? this.#stage.view.toImage(...place) : [-1, -1];
    this.#hover = place ? this.#session.at(x, y, { other: this.#isOther(place[0]) }) : null;
    this.#canvas.classList.toggle("over", this.#hover !== null);
    this.#stage.draw({ marksOnly: true });
    this.#showReadout();
  }

  /** Move the crosshair, and say what is under it. */
  #cross(place) {
    this.#crosshair = place;
    if (place) {
      this.#pointer = this.#stage.view.toScreen(...place);
      this.#hover = this.#session.at(...place, { other: this.#isOther(this.#pointer[0]) });
      this.#notices.say(this.#hover ? this.#described(this.#hover) : "No particle");
    }
    this.draw();
  }

  #click(x, y, { more, other }) {
    const { picture, selected } = this.#session, hit = this.#session.at(x, y, { other });
    if (hit && other) return this.#session.adopt(hit);
    if (hit && more) return this.#session.select(selected.has(hit) ? [...selected].filter((p) => p !== hit) : [...selected, hit], this.#described(hit));
    if (hit) return this.#session.select([hit], `Selected: ${this.#described(hit)}`);
    const inside = x > -0.5 && y > -0.5 && x < picture.width - 0.5 && y < picture.height - 0.5;
    if (!inside || more) return this.escape();
    return this.#ask({ points: [[Math.round(x), Math.round(y)]] });
  }

  /** While a box is drawn: show it. When it is: select what is in it, or ask for what it encloses. */
  #boxed(box, done) {
    const drawn = box && clipped(box, this.#session.picture);
    this.#box = drawn;
    if (done && drawn && !this.#session.selectWithin(drawn).length) this.#ask({ boxes: [drawn] });
    this.#stage.draw({ marksOnly: true });
  }

  #ask(prompts) {
    this.#box = null;
    this.#session.select([]);
    this.#session.add(prompts);
  }

  /** Select the next particle in reading order, and go there. */
  #next(step, moved) {
    const { particles, selected } = this.#session;
    if (!particles.length) return;
    const at = particles.indexOf([...selected].at(-1));
    const to = particles[(at + step + (at < 0 && step < 0 ? 1 : 0) + particles.length) % particles.length];
    const place = [Math.round(to.x), Math.round(to.y)];
    moved(place);
    this.#stage.view.reveal(...place);
    this.#crosshair = place;
    this.#hover = to;
    this.#pointer = this.#stage.view.toScreen(to.x, to.y);
    this.#session.select([to], `${particles.indexOf(to) + 1} of ${particles.length}: ${this.#described(to)}`);
  }

  #described(particle) {
    const { unit } = this.#session, cut = particle.border ? ", cut by the border" : "";
    return `${unit.length(particle.diameter)} wide, area ${unit.area(particle.area)}${cut}`;
  }

  #showReadout() {
    const readout = byId("readout"), particle = this.#hover;
    readout.hidden = !particle || this.#box !== null;
    if (readout.hidden) { byId("chosen").classList.remove("low"); return; }
    const { unit } = this.#session, stage = this.#stage;
    readout.replaceChildren(line("b", unit.length(particle.diameter)), line("span", `area ${unit.area(particle.area)}`), line("span", aside(particle)));
    const [x, y] = stage.view.toScreen(particle.x, particle.y).map((value) => value / stage.ratio);
    const reach = (particle.diameter / 2) * (stage.view.scale / stage.ratio) + 14;
    const width = stage.width / stage.ratio, height = stage.height / stage.ratio;
    const left = x + reach + readout.offsetWidth > width - 56 ? x - reach - readout.offsetWidth : x + reach;
    readout.style.left = `${Math.min(Math.max(left, 24), width - readout.offsetWidth - 4)}px`;
    readout.style.top = `${Math.min(Math.max(y - readout.offsetHeight / 2, 24), height - readout.offsetHeight - 8)}px`;
    byId("chosen").classList.toggle("low", readout.offsetTop < CHOSEN);
  }

  #showChosen() {
    const { selected, unit } = this.#session, bar = byId("chosen");
    bar.hidden = !selected.size;
    byId("box-add").hidden = !this.#box;
    if (!selected.size) { this.#box = null; return; }
    const { mean } = summary([...selected].map((p) => p.diameter));
    byId("chosen-text").textContent = selected.size === 1 ? unit.length(mean) : `${selected.size} selected`;
    byId("chosen-mean").textContent = selected.size === 1 ? "" : `mean ${unit.length(mean)}`;
  }

  /** Keep marks moving for as long as something is asked for. */
  #beat() {
    const { points, boxes } = this.#session.waiting;
    if (still.matches || !(points.length + boxes.length)) return;
    requestAnimationFrame(() => { this.#stage.draw({ marksOnly: true }); this.#beat(); });
  }
}

function aside({ border, origin, score }) {
  if (border) return "cut by the border";
  return { point: "added by a point", box: "added by a box", "other model": "from the other model" }[origin] ?? `score ${score.toFixed(2)}`;
}

function line(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function clipped([x0, y0, x1, y1], { width, height }) {
  const box = [Math.max(Math.round(x0), 0), Math.max(Math.round(y0), 0), Math.min(Math.round(x1), width - 1), Math.min(Math.round(y1), height - 1)];
  return box[2] > box[0] && box[3] > box[1] ? box : null;
}
