/** What is said beside the image: of the particle that is pointed at, and of those that are selected. */

import { summary } from "./sizes.js";

const byId = (id) => document.getElementById(id);
const CHOSEN = 124; // CSS px from the top that the bar of the selected takes, unless the readout is there
const EDGE = 24; // CSS px that the readout keeps from the rulers
const ORIGINS = { point: "added by a point", box: "added by a box", "other model": "from the other model" };

/** Return a particle in words. */
export function described(particle, unit) {
  const cut = particle.border ? ", cut by the border" : "";
  return `${unit.length(particle.diameter)} wide, area ${unit.area(particle.area)}${cut}`;
}

/** Show a particle's size beside it; with null nothing. */
export function showReadout(particle, unit, stage) {
  const readout = byId("readout");
  readout.hidden = !particle;
  if (!particle) return byId("chosen").classList.remove("low");
  readout.replaceChildren(line("b", unit.length(particle.diameter)), line("span", `area ${unit.area(particle.area)}`), line("span", aside(particle)));
  const [x, y] = stage.view.toScreen(particle.x, particle.y).map((value) => value / stage.ratio);
  const reach = (particle.diameter / 2) * (stage.view.scale / stage.ratio) + 14;
  const width = stage.width / stage.ratio, height = stage.height / stage.ratio;
  const left = x + reach + readout.offsetWidth > width - 56 ? x - reach - readout.offsetWidth : x + reach;
  readout.style.left = `${Math.min(Math.max(left, EDGE), width - readout.offsetWidth - 4)}px`;
  readout.style.top = `${Math.min(Math.max(y - readout.offsetHeight / 2, EDGE), height - readout.offsetHeight - 8)}px`;
  return byId("chosen").classList.toggle("low", readout.offsetTop < CHOSEN);
}

/** Show how many are selected, and what can be done with them, or with the box that was drawn. */
export function showChosen(selected, unit, { box }) {
  byId("chosen").hidden = !selected.size;
  byId("box-add").hidden = !box;
  if (!selected.size) return;
  const mean = unit.length(summary([...selected].map((p) => p.diameter)).mean), one = selected.size === 1;
  byId("chosen-text").textContent = one ? mean : `${selected.size} selected`;
  byId("chosen-mean").textContent = one ? "" : `mean ${mean}`;
}

function aside({ border, origin, score }) {
  return border ? "cut by the border" : ORIGINS[origin] ?? `score ${score.toFixed(2)}`;
}

function line(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
