/** The canvases: how large they are, and what is drawn on them. Screen places are device pixels. */

import { drawMarks } from "./marks.js";
import { drawImage, drawMasks } from "./picture.js";
import { View } from "./view.js";

const RULER = 20; // CSS px

export class Stage {
  view = new View();
  ratio = 1;
  #base;
  #marks;
  #scene;
  #due = null;
  #stale = true;

  /**
   * @param {HTMLCanvasElement} base  image and masks
   * @param {HTMLCanvasElement} marks  what moves: pointer, selection, rulers
   * @param {() => object | null} scene  what is to be drawn; null where there is no image
   */
  constructor(base, marks, scene) {
    this.#base = base.getContext("2d", { alpha: false });
    this.#marks = marks.getContext("2d");
    this.#scene = scene;
    this.#watch(marks);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  get width() { return this.#marks.canvas.width; }
  get height() { return this.#marks.canvas.height; }

  /** Return where a pointer is, in device pixels. */
  placeOf(event) {
    const { left, top } = this.#marks.canvas.getBoundingClientRect();
    return [(event.clientX - left) * this.ratio, (event.clientY - top) * this.ratio];
  }

  /** Return the place of the boundary between two models: the middle of the slider's thumb. */
  boundary(split, thumb) {
    const wide = thumb * this.ratio;
    return Math.round(wide / 2 + split * (this.width - wide));
  }

  /** Say that an image of other size is shown. */
  fitTo(image) {
    const rim = RULER * this.ratio;
    this.view.resize(image, { left: rim, top: rim, width: Math.max(this.width - rim, 1), height: Math.max(this.height - rim, 1) });
    this.draw();
  }

  /** Draw everything soon, or (`marksOnly`) only what moves. */
  draw({ marksOnly = false } = {}) {
    this.#stale ||= !marksOnly;
    this.#due ??= requestAnimationFrame(() => {
      this.#due = null;
      const scene = this.#scene(), colours = coloursOf(this.#marks.canvas);
      if (this.#stale) this.#drawBase(scene, colours);
      this.#stale = false;
      drawMarks(this.#marks, scene, { view: this.view, ratio: this.ratio, ruler: RULER, colours });
      this.#marks.canvas.dataset.view = [this.view.scale, this.view.x, this.view.y].join(" ");
    });
  }

  #watch(canvas) {
    const watcher = new ResizeObserver(([entry]) => {
      const exact = entry.devicePixelContentBoxSize?.[0];
      const { inlineSize, blockSize } = entry.contentBoxSize[0];
      const width = exact?.inlineSize ?? Math.round(inlineSize * devicePixelRatio);
      const height = exact?.blockSize ?? Math.round(blockSize * devicePixelRatio);
      for (const { canvas: one } of [this.#base, this.#marks]) Object.assign(one, { width, height });
      this.ratio = width / inlineSize || 1;
      this.fitTo(this.#scene()?.picture ?? { width: 1, height: 1 });
    });
    try {
      watcher.observe(canvas, { box: "device-pixel-content-box" });
    } catch {
      watcher.observe(canvas);
    }
  }

  #drawBase(scene, colours) {
    const context = this.#base;
    context.fillStyle = colours.field;
    context.fillRect(0, 0, this.width, this.height);
    if (!scene) return;
    drawImage(context, scene.picture.bitmap, this.view);
    if (scene.hidden) return;
    const thickness = Math.max(1, Math.round(1.25 * this.ratio));
    const look = { colourOf: scene.colourOf, opacity: scene.opacity, thickness };
    if (!scene.other) return drawMasks(context, scene.particles, this.view, look);
    this.#half(0, scene.boundary, () => drawMasks(context, scene.particles, this.view, look));
    this.#half(scene.boundary, this.width, () => drawMasks(context, scene.other.particles, this.view, look));
  }

  #half(from, to, draw) {
    this.#base.save();
    this.#base.beginPath();
    this.#base.rect(from, 0, to - from, this.height);
    this.#base.clip();
    draw();
    this.#base.restore();
  }
}

/** Return the colours that the style sheet gives the canvas. */
function coloursOf(canvas) {
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name);
  return { field: colour("--field"), strip: colour("--strip"), ink: colour("--soft"), tick: colour("--tick"), mark: colour("--mark"), font: style.fontFamily };
}
