/** What happens on the image: pointing at particles, adding, selecting, deleting. */

import { boundaryOf, followDivider, showSides } from "./compared.js";
import { followStageKeys } from "./keyboard.js";
import { followPointers } from "./pointer.js";
import { described, showChosen, showReadout } from "./readout.js";
import { count } from "./sizes.js";
import { Stage } from "./stage.js";
import { followToolbar, showHidden, showTool, showZoom } from "./toolbar.js";

const byId = (id) => document.getElementById(id);
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
  #beating = false;

  constructor(session, look, notices) {
    this.#session = session;
    this.#look = look;
    this.#notices = notices;
    this.#stage = new Stage(byId("base"), this.#canvas, () => this.#scene());
    this.#followPointers();
    this.#followKeys();
    this.#followButtons();
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
    const session = this.#session, { model, other, selected } = session;
    const shown = new Set([...session.particles, ...(other?.particles ?? [])]);
    if (this.#hover && !shown.has(this.#hover)) this.#hover = null;
    if (!selected.size) this.#box = null;
    showSides(session.title(model), other && session.title(other.model));
    showChosen(selected, session.unit, { box: this.#box });
    this.#beat();
    this.draw();
  }

  draw() {
    this.#stage.draw();
    this.#showReadout();
    showZoom(this.#stage.view.scale);
  }

  /** Take a tool in hand. */
  take(tool) {
    this.#look.tool = tool;
    this.#canvas.dataset.tool = tool;
    showTool(tool);
  }

  /** Hide the masks, or show them again. */
  hide() {
    this.#look.hidden = !this.#look.hidden;
    showHidden(this.#look.hidden);
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

  get #boundary() { return boundaryOf(this.#look.split, this.#stage); }

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
    const session = this.#session;
    followStageKeys(this.#canvas, this.#stage, () => session.picture, {
      crosshair: (place) => this.#cross(place),
      clicked: ([x, y]) => this.#click(x, y, { more: false, other: this.#isOther(this.#stage.view.toScreen(x, y)[0]) }),
      boxed: (box, { done }) => this.#boxed(box, done),
      next: (step, moved) => this.#next(step, moved),
      remove: () => session.remove(),
      all: () => session.select(session.particles, `${count(session.particles.length)} selected`),
      viewed: () => this.draw(),
    });
    for (const [kind, held] of [["keydown", true], ["keyup", false]]) {
      this.#canvas.addEventListener(kind, (event) => { if (event.key === " ") this.#space = held; });
    }
  }

  #followButtons() {
    followToolbar(this.#stage, { tool: (name) => this.take(name), hide: () => this.hide(), viewed: () => this.draw() });
    followDivider((split) => { this.#look.split = split; this.draw(); });
    byId("delete").addEventListener("click", () => { this.#session.remove(); this.#canvas.focus(); });
    byId("unselect").addEventListener("click", () => { this.escape(); this.#canvas.focus(); });
    byId("box-add").addEventListener("click", () => { this.#ask({ boxes: [this.#box] }); this.#canvas.focus(); });
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

  #described(particle) { return described(particle, this.#session.unit); }

  #showReadout() {
    showReadout(this.#box ? null : this.#hover, this.#session.unit, this.#stage);
  }

  /** Keep marks moving for as long as something is asked for. */
  #beat() {
    const { points, boxes } = this.#session.waiting;
    if (this.#beating || still.matches || !(points.length + boxes.length)) return;
    this.#beating = true;
    requestAnimationFrame(() => {
      this.#beating = false;
      this.#stage.draw({ marksOnly: true });
      this.#beat();
    });
  }
}

function clipped([x0, y0, x1, y1], { width, height }) {
  const box = [Math.max(Math.round(x0), 0), Math.max(Math.round(y0), 0), Math.min(Math.round(x1), width - 1), Math.min(Math.round(y1), height - 1)];
  return box[2] > box[0] && box[3] > box[1] ? box : null;
}
