/** Label images as TIFF: one uncompressed strip, and ImageJ's way of telling the scale. Source: TIFF 6.0, section 2. */

const ASCII = 2, SHORT = 3, LONG = 4, RATIONAL = 5;
const SIZES = { [ASCII]: 1, [SHORT]: 2, [LONG]: 4, [RATIONAL]: 8 };

/** Return an image of numbers as a TIFF of 16 bits, or 32 where there are more than 65,535. `nm` is null if unknown. */
export function tiff(labels, { height, width }, nm) {
  const most = labels.reduce((largest, value) => Math.max(largest, value), 0);
  const pixels = most > 65535 ? labels : Uint16Array.from(labels);
  const entries = [
    [256, LONG, [width]], [257, LONG, [height]], [258, SHORT, [pixels.BYTES_PER_ELEMENT * 8]],
    [259, SHORT, [1]], [262, SHORT, [1]], [273, LONG, [8]], [277, SHORT, [1]], [278, LONG, [height]],
    [279, LONG, [pixels.byteLength]], [339, SHORT, [1]],
    ...(nm ? scale(nm) : []),
  ].sort((a, b) => a[0] - b[0]);
  const directory = 8 + pixels.byteLength;
  return new Blob([header(directory), littleEndian(pixels), written(entries, directory)], { type: "image/tiff" });
}

/** Return the tags that ImageJ and graticule read a pixel size from: pixels per unit, and which unit. */
function scale(nm) {
  const [over, under] = fraction(1 / nm);
  const text = "ImageJ=1.54f\nunit=nm\n\0";
  return [[270, ASCII, [...text].map((letter) => letter.charCodeAt(0))], [282, RATIONAL, [over, under]], [283, RATIONAL, [over, under]], [296, SHORT, [1]]];
}

/** Return a number as a fraction of two numbers of 32 bits, as near as they come. */
function fraction(value) {
  const under = Math.max(1, Math.floor(Math.min(1e9, 4e9 / Math.max(value, 1e-9))));
  return [Math.max(1, Math.round(value * under)), under];
}

function header(directory) {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint16(0, 0x4949);
  view.setUint16(2, 42, true);
  view.setUint32(4, directory, true);
  return view.buffer;
}

/** Return the directory at `place`, and after it the values that have no room in it. */
function written(entries, place) {
  const long = entries.map(([, kind, values]) => values.length * SIZES[kind]).filter((size) => size > 4);
  const end = 2 + 12 * entries.length + 4;
  const view = new DataView(new ArrayBuffer(end + long.reduce((sum, size) => sum + size + (size & 1), 0)));
  let free = end;
  view.setUint16(0, entries.length, true);
  entries.forEach(([tag, kind, values], index) => {
    const at = 2 + 12 * index, size = SIZES[kind] * values.length;
    const count = kind === RATIONAL ? values.length / 2 : values.length;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, kind, true);
    view.setUint32(at + 4, count, true);
    const bytes = kind === RATIONAL ? 4 * values.length : size;
    if (bytes <= 4) put(view, at + 8, kind, values);
    else {
      view.setUint32(at + 8, place + free, true);
      put(view, free, kind, values);
      free += bytes + (bytes & 1);
    }
  });
  return view.buffer;
}

function put(view, at, kind, values) {
  values.forEach((value, k) => {
    if (kind === ASCII) view.setUint8(at + k, value);
    else if (kind === SHORT) view.setUint16(at + 2 * k, value, true);
    else view.setUint32(at + 4 * k, value, true);
  });
}

function littleEndian(pixels) {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0]) return pixels;
  const view = new DataView(new ArrayBuffer(pixels.byteLength)), wide = pixels.BYTES_PER_ELEMENT;
  pixels.forEach((value, k) => (wide === 2 ? view.setUint16(2 * k, value, true) : view.setUint32(4 * k, value, true)));
  return view.buffer;
}
