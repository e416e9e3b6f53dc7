/** Two models side by side on the image: their names, and the slider between them. */

const byId = (id) => document.getElementById(id);
const THUMB = 28; // CSS px, as in the style sheet

/** @param {(split: number) => void} moved  told the share of the stage that is the first model's */
export function followDivider(moved) {
  byId("divider").addEventListener("input", ({ target }) => moved(target.value / 1000));
}

/** Return where the boundary is on the stage: the middle of the slider's thumb. */
export function boundaryOf(split, stage) {
  return stage.boundary(split, THUMB);
}

/** Show both names, or with null for the other that there is one model only. */
export function showSides(mine, other) {
  byId("divider").hidden = other === null;
  for (const [id, name] of [["left-name", mine], ["right-name", other]]) {
    byId(id).hidden = other === null;
    byId(id).textContent = name ?? "";
  }
}
