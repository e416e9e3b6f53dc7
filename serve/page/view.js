/** Where the image lies on the screen: a scale and a shift, in device pixels. Pixel centres are whole numbers. */

const MOST = 64; // device pixels to a pixel
const ROOM = 0.96; // of the stage that a fitted image fills

export class View {
  scale = 1;
  x = 0;
  y = 0;
  #image = { width: 1, height: 1 };
  #stage = { left: 0, top: 0, width: 1, height: 1 };
  #fitted = true;

  /** Say how large image and stage are; an image that was fitted stays so. */
  resize(image, stage) {
    const other = image.width !== this.#image.width || image.height !== this.#image.height;
    const centre = this.toImage(this.#stage.left + this.#stage.width / 2, this.#stage.top + this.#stage.height / 2);
    this.#image = image;
    this.#stage = stage;
    if (other || this.#fitted) this.fit();
    else this.centreOn(...centre);
  }

  /** Show all of the image; a small one at a whole multiple, so that its pixels stay squares. */
  fit() {
    const { width, height } = this.#stage;
    const scale = ROOM * Math.min(width / this.#image.width, height / this.#image.height);
    this.scale = scale > 3 ? Math.floor(scale) : scale;
    this.centreOn((this.#image.width - 1) / 2, (this.#image.height - 1) / 2);
    this.#fitted = true;
  }

  centreOn(x, y) {
    this.x = Math.round(this.#stage.left + this.#stage.width / 2 - (x + 0.5) * this.scale);
    this.y = Math.round(this.#stage.top + this.#stage.height / 2 - (y + 0.5) * this.scale);
  }

  /** Zoom by a factor about a place on the screen. */
  zoom(factor, sx, sy) {
    const [x, y] = this.toImage(sx, sy);
    this.scale = Math.min(Math.max(this.scale * factor, this.#least), Math.max(MOST, this.#least));
    this.x = Math.round(sx - (x + 0.5) * this.scale);
    this.y = Math.round(sy - (y + 0.5) * this.scale);
    this.#fitted = false;
    this.#keep();
  }

  pan(dx, dy) {
    this.x += Math.round(dx);
    this.y += Math.round(dy);
    this.#fitted = false;
    this.#keep();
  }

  /** Move as little as it takes to have a place of the image on the stage. */
  reveal(x, y) {
    const { left, top, width, height } = this.#stage, rim = Math.min(width, height) / 8;
    const [sx, sy] = this.toScreen(x, y);
    const dx = Math.max(left + rim - sx, 0) + Math.min(left + width - rim - sx, 0);
    const dy = Math.max(top + rim - sy, 0) + Math.min(top + height - rim - sy, 0);
    const inside = sx > left && sy > top && sx < left + width && sy < top + height;
    if (!inside) this.pan(dx, dy);
  }

  toImage(sx, sy) { return [(sx - this.x) / this.scale - 0.5, (sy - this.y) / this.scale - 0.5]; }
  toScreen(x, y) { return [(x + 0.5) * this.scale + this.x, (y + 0.5) * this.scale + this.y]; }

  get #least() {
    const { width, height } = this.#stage;
    return Math.min(1, (ROOM / 2) * Math.min(width / this.#image.width, height / this.#image.height));
  }

  /** Keep some of the image on the stage. */
  #keep() {
    const { left, top, width, height } = this.#stage, rim = Math.min(width, height) / 6;
    this.x = Math.min(Math.max(this.x, left + rim - this.#image.width * this.scale), left + width - rim);
    this.y = Math.min(Math.max(this.y, top + rim - this.#image.height * this.scale), top + height - rim);
    this.x = Math.round(this.x);
    this.y = Math.round(this.y);
  }
}
