/** The page: puts its parts together. What is known is in the session, how it is looked at in `look`. */

import { Server } from "./api.js";
import { followArrivals } from "./arrivals.js";
import { colouring } from "./colours.js";
import { followKeys } from "./keyboard.js";
import { menu } from "./menu.js";
import { Notices } from "./notices.js";
import { Onstage } from "./onstage.js";
import { Panel } from "./panel.js";
import { Session, nameOf } from "./session.js";
import { welcome } from "./welcome.js";

const byId = (id) => document.getElementById(id);

const look = {
  opacity: 0.35, colours: "size", hidden: false, tool: "point", split: 0.5, leaveOut: false,
  lit: [],
  /** Return particle -> colour, so that both models' and the histogram's agree. */
  colourOf(session) {
    const diameters = [...session.particles, ...(session.other?.particles ?? [])].map((p) => p.diameter);
    const range = diameters.reduce(([low, high], d) => [Math.min(low, d), Math.max(high, d)], [Infinity, -Infinity]);
    return colouring(this.colours, range);
  },
};

const notices = new Notices({ stop: () => session.stop() });
const server = new Server({ askToken: (refusal) => notices.askToken(refusal), onWait: (seconds, refusal) => notices.waiting(seconds, refusal) });
const session = new Session(server);
const onstage = new Onstage(session, look, notices);
const panel = new Panel(session, look, { redraw: () => onstage.draw(), say: (text) => notices.say(text), tell: (text) => notices.tell(text) });

session.addEventListener("opened", () => {
  byId("empty").hidden = true;
  for (const id of ["tools", "zoom"]) byId(id).hidden = false;
  const { name, picture } = session;
  byId("what").textContent = `${name}, ${picture.width} × ${picture.height} px`;
  document.title = `${name} – graticule`;
  notices.clear();
  onstage.opened();
  showUndo();
  panel.show();
});
session.addEventListener("changed", ({ detail: { said, shown } }) => {
  if (shown) notices.tell(said);
  else notices.say(said);
  showUndo();
  onstage.changed();
  panel.show();
});
session.addEventListener("working", () => {
  notices.working(session.doing);
  panel.showProgress();
});
session.addEventListener("refused", (event) => notices.refused(event.detail));
addEventListener("beforeunload", (event) => { if (session.unsaved) event.preventDefault(); });

function showUndo() {
  byId("undo").disabled = !session.canUndo;
  byId("redo").disabled = !session.canRedo;
}

async function open(file, options = {}) {
  const name = options.name ?? nameOf(file);
  if (!session.unsaved || (await notices.mayLose(session.name, name))) await session.open(file, { ...options, name });
}
const chooseFile = () => byId("file").click();
byId("file").addEventListener("change", ({ target }) => {
  if (target.files.length) open(target.files[0]);
  target.value = "";
});
for (const id of ["open", "choose"]) byId(id).addEventListener("click", chooseFile);
byId("undo").addEventListener("click", () => session.undo());
byId("redo").addEventListener("click", () => session.redo());
byId("keys").addEventListener("click", () => byId("keys-dialog").showModal());
byId("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
    || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  onstage.draw();
});

menu(byId("examples-menu"));
followArrivals(open, { tell: (text) => notices.tell(text), drop: byId("drop") });
followKeys({
  open: chooseFile,
  undo: () => session.undo(),
  redo: () => session.redo(),
  help: () => byId("keys-dialog").showModal(),
  hide: () => onstage.hide(),
  point: () => onstage.take("point"),
  box: () => onstage.take("box"),
  escape: () => (session.doing ? session.stop() : onstage.escape()),
});

async function begin() {
  const there = await session.start(begin);
  panel.show();
  if (there) await welcome(server, open, (error) => notices.refused({ error, again: begin }));
}
await begin();
