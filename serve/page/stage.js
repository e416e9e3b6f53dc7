/** The canvases: how large they are, and what is drawn on them. Screen places are device pixels. */

import { drawImage, drawMasks, drawOutlines } from "./picture.js";
import { drawRulers, drawScaleBar } from "./scale.js";
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
      this.#drawMarks(scene, colours);
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

  #drawMarks(scene, colours) {
    const context = this.#marks;
    context.clearRect(0, 0, this.width, this.height);
    if (!scene) return;
    const thickness = 1.75 * this.ratio;
    drawOutlines(context, scene.lit, this.view, { colour: "#ffffff", thickness });
    drawOutlines(context, scene.selected, this.view, { colour: colours.mark, thickness });
    if (scene.hover) this.#caliper(scene.hover);
    scene.waiting.points.forEach((point) => this.#ring(...this.view.toScreen(...point), scene.beat));
    scene.waiting.boxes.forEach((box) => this.#rectangle(box, colours, true));
    if (scene.box) this.#rectangle(scene.box, colours, false);
    if (scene.other) this.#line(scene.boundary);
    if (scene.crosshair) this.#crosshair(...this.view.toScreen(...scene.crosshair), colours);
    const unit = scene.unit, ratio = this.ratio, size = Math.round(RULER * ratio);
    drawRulers(context, this.view, { size, ratio, unit, image: scene.picture, pointer: scene.pointer, colours });
    const bar = { left: size + 12 * ratio, bottom: this.height - 12 * ratio, room: 200 * ratio, size: 12 * ratio };
    drawScaleBar(context, { ...bar, perPixel: this.view.scale, unit });
  }

  /** Draw the disc of the same area, and its diameter with ends as a caliper has them. */
  #caliper(particle) {
    drawOutlines(this.#marks, [particle], this.view, { colour: "#ffffff", thickness: 1.75 * this.ratio });
    const context = this.#marks, [x, y] = this.view.toScreen(particle.x, particle.y);
    const radius = (particle.diameter / 2) * this.view.scale, jaw = Math.max(4 * this.ratio, radius * 0.18);
    context.save();
    for (const [style, width] of [["rgb(0 0 0 / 0.7)", 3], ["#ffffff", 1.2]]) {
      context.strokeStyle = style;
      context.lineWidth = width * this.ratio;
      context.beginPath();
      context.moveTo(x - radius, y); context.lineTo(x + radius, y);
      context.moveTo(x - radius, y - jaw); context.lineTo(x - radius, y + jaw);
      context.moveTo(x + radius, y - jaw); context.lineTo(x + radius, y + jaw);
      context.stroke();
      context.setLineDash([3 * this.ratio, 3 * this.ratio]);
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.stroke();
      context.setLineDash([]);
    }
    context.restore();
  }

  #ring(x, y, beat) {
    const context = this.#marks;
    for (const [style, width] of [["rgb(0 0 0 / 0.7)", 4], ["#ffffff", 1.75]]) {
      context.strokeStyle = style;
      context.lineWidth = width * this.ratio;
      context.beginPath();
      context.arc(x, y, (7 + 4 * beat) * this.ratio, 0, 2 * Math.PI);
      context.moveTo(x - 3 * this.ratio, y); context.lineTo(x + 3 * this.ratio, y);
      context.moveTo(x, y - 3 * this.ratio); context.lineTo(x, y + 3 * this.ratio);
      context.stroke();
    }
  }

  #rectangle([x0, y0, x1, y1], colours, dashed) {
    const context = this.#marks, [left, top] = this.view.toScreen(x0, y0), [right, bottom] = this.view.toScreen(x1, y1);
    context.save();
    if (dashed) context.setLineDash([5 * this.ratio, 4 * this.ratio]);
    else {
      context.fillStyle = "rgb(255 255 255 / 0.08)";
      context.fillRect(left, top, right - left, bottom - top);
    }
    for (const [style, width] of [["rgb(0 0 0 / 0.7)", 3], [colours.mark, 1.25]]) {
      context.strokeStyle = style;
      context.lineWidth = width * this.ratio;
      context.strokeRect(left, top, right - left, bottom - top);
    }
    context.restore();
  }

  #line(x) {
    const context = this.#marks, wide = Math.max(1, Math.round(this.ratio));
    context.fillStyle = "rgb(0 0 0 / 0.6)";
    context.fillRect(x - 2 * wide, 0, 4 * wide, this.height);
    context.fillStyle = "#ffffff";
    context.fillRect(x - wide, 0, 2 * wide, this.height);
  }

  #crosshair(x, y, colours) {
    const context = this.#marks, gap = 6 * this.ratio, arm = 16 * this.ratio;
    for (const [style, width] of [["rgb(0 0 0 / 0.8)", 4], [colours.mark, 1.75]]) {
      context.strokeStyle = style;
      context.lineWidth = width * this.ratio;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + dx * gap, y + dy * gap);
        context.lineTo(x + dx * arm, y + dy * arm);
      }
      context.stroke();
    }
  }
}

/** Return the colours that the style sheet gives the canvas. */
function coloursOf(canvas) {
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name);
  return { field: colour("--field"), strip: colour("--strip"), ink: colour("--soft"), tick: colour("--tick"), mark: colour("--mark"), font: style.fontFamily };
}

