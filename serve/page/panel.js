/** The side panel: model, sizes, scale, looks, and what can be saved. */

import { csv, labelsPng, labelsTiff, overlay, save } from "./exports.js";
import { Histogram } from "./histogram.js";
import { element, fillMenu, menu } from "./menu.js";
import { inOrder, linesOf } from "./models.js";
import { count, digits, summary } from "./sizes.js";

const byId = (id) => document.getElementById(id);

export class Panel {
  #session;
  #look;
  #told;
  #histogram;

  /** @param {{redraw: () => void, say: (text: string) => void, tell: (text: string) => void}} told */
  constructor(session, look, told) {
    this.#session = session;
    this.#look = look;
    this.#told = told;
    this.#histogram = new Histogram(byId("histogram"), {
      lit: (particles) => { look.lit = particles; told.redraw(); },
      chosen: (particles) => session.select(particles, `${count(particles.length)} selected`),
      said: told.say,
    });
    menu(byId("model-menu"));
    menu(byId("compare-menu"));
    this.#followModel();
    this.#followScale();
    this.#followLooks();
    this.#followSaves();
  }

  /** Show what the session holds now. */
  show() {
    this.#showModels();
    this.#showSizes();
    this.#showScale();
    this.showProgress();
    for (const id of ["csv", "overlay", "png", "tiff"]) byId(`save-${id}`).disabled = !this.#session.found;
  }

  /** Show in the histogram's place why there is none, and what to do about it. */
  showProgress() {
    const { picture, found, finding, particles } = this.#session, counted = this.#counted(particles);
    byId("histogram").hidden = !counted.length;
    byId("nothing").hidden = counted.length > 0;
    byId("find").hidden = !picture || found || finding;
    byId("nothing-text").textContent = !picture ? "The histogram will be here."
      : finding ? "Looking for particles."
        : !found ? "No particles yet."
          : particles.length ? "All of them touch the border."
            : "None found. Choose another model, or click on a particle to add it.";
  }

  #followModel() {
    byId("find").addEventListener("click", () => this.#session.find());
    byId("polarity").addEventListener("change", ({ target }) => this.#session.choosePolarity(target.value));
  }

  #showModels() {
    const { models, model, other, notes, picture } = this.#session, entry = models.find(({ name }) => name === model);
    const face = byId("model");
    face.replaceChildren(element("b", {}, entry ? this.#session.title(model) : "…"));
    const badge = this.#session.championFrom === "default" ? "default" : "champion";
    if (entry?.champion) face.firstChild.append(element("i", { class: "badge" }, badge));
    if (entry) face.append(element("small", {}, linesOf(entry)[0]));
    byId("compare").firstElementChild.textContent = other ? this.#session.title(other.model) : "nothing";
    byId("polarity").value = this.#session.polarity;
    byId("compare").disabled = !this.#session.found;
    const listed = inOrder(models).map((one) => ({ name: this.#session.title(one.name), lines: linesOf(one), badge: one.champion ? badge : null, key: one.name }));
    fillMenu(byId("model-menu"), listed.map((item) => ({ ...item, checked: item.key === model, chosen: () => this.#choose(item.key) })));
    fillMenu(byId("compare-menu"), [
      { name: "nothing", checked: !other, chosen: () => this.#session.compare(null) },
      ...listed.filter(({ key }) => key !== model).map((item) => ({ ...item, lines: [], checked: item.key === other?.model, chosen: () => this.#session.compare(item.key) })),
    ]);
    const said = [...(this.#session.championProblem ? [this.#session.championProblem] : []), ...(picture ? notes : [])];
    byId("notes").hidden = !said.length;
    byId("notes").replaceChildren(...said.map((text) => element("li", {}, text)));
  }

  #choose(name) {
    if (this.#session.picture) return this.#session.find(name);
    this.#session.model = name;
    return this.show();
  }

  #showSizes() {
    const { unit, other } = this.#session;
    const counted = this.#counted(this.#session.particles), theirs = other ? this.#counted(other.particles) : null;
    const sum = summary(counted.map((p) => p.diameter * unit.factor));
    byId("count").textContent = this.#session.found ? String(sum.count) : "–";
    for (const id of ["mean", "median", "deviation"]) byId(id).textContent = digits(sum[id]);
    byId("sizes-unit").textContent = `equivalent diameter, ${unit.name}`;
    byId("compared").hidden = !other;
    if (other) byId("compared").textContent = this.#comparison(theirs, unit);
    this.#histogram.draw(counted, theirs, { unit, colourOf: this.#look.colourOf(this.#session) });
  }

  #comparison(theirs, unit) {
    const { other, agreed } = this.#session, sum = summary(theirs.map((p) => p.diameter * unit.factor));
    const mean = theirs.length ? `, mean ${digits(sum.mean)} ${unit.name}` : "";
    return `${this.#session.title(other.model)}: ${sum.count}${mean}. In both: ${agreed}.`;
  }

  #counted(particles) {
    return this.#look.leaveOut ? particles.filter((p) => !p.border) : particles;
  }

  #followScale() {
    const field = byId("nm");
    field.addEventListener("input", () => {
      const nm = number(field.value);
      field.setAttribute("aria-invalid", String(nm === undefined));
      if (nm === undefined) byId("nm-from").textContent = "a number is needed, such as 0.25";
      else this.#session.setScale(nm);
    });
    field.addEventListener("blur", () => { if (field.getAttribute("aria-invalid") !== "true") this.#showScale(); });
    byId("nm-back").addEventListener("click", () => { field.focus(); this.#session.setScale(null); field.value = this.#session.nm ?? ""; });
  }

  #showScale() {
    const { scale, nm } = this.#session, field = byId("nm");
    if (document.activeElement !== field) field.value = nm ?? "";
    field.setAttribute("aria-invalid", "false");
    byId("nm-back").hidden = !(scale.own && scale.file);
    byId("nm-from").textContent = scale.own ? (scale.file ? `set by you; the image says ${scale.file}` : "set by you")
      : scale.file ? "known from the image" : "unknown: sizes in px";
  }

  #followLooks() {
    const look = this.#look;
    byId("opacity").addEventListener("input", ({ target }) => {
      look.opacity = target.value / 100;
      byId("opacity-said").textContent = `opacity ${target.value} %`;
      this.#told.redraw();
    });
    byId("colours").addEventListener("change", ({ target }) => { look.colours = target.value; this.#told.redraw(); this.#showSizes(); });
    byId("leave-out").addEventListener("change", ({ target }) => { look.leaveOut = target.checked; this.#showSizes(); this.showProgress(); });
  }

  #followSaves() {
    const session = this.#session;
    const makers = {
      csv: ["particles.csv", () => csv(session.particles, session.nm)],
      png: ["labels.png", () => labelsPng(session.particles, session.shape)],
      tiff: ["labels.tif", () => labelsTiff(session.particles, session.shape, session.nm)],
      overlay: ["overlay.png", () => overlay(session.picture, session.particles, { colourOf: this.#look.colourOf(session), opacity: this.#look.opacity, unit: session.unit })],
    };
    for (const [id, [ending, make]] of Object.entries(makers)) {
      byId(`save-${id}`).addEventListener("click", async () => {
        const name = `${session.name.replace(/\.[^.]*$/, "") || "image"}_${ending}`;
        save(await make(), name);
        if (id !== "overlay") session.keep();
        this.#told.tell(`Saved ${name}`);
      });
    }
  }
}

/** Return a positive number, null for nothing, undefined for anything else. A comma is a decimal point. */
function number(text) {
  const plain = text.trim().replace(",", ".");
  if (!plain) return null;
  const value = Number(plain);
  return value >= 1e-6 && value <= 1e6 ? value : undefined;
}
