/** Grey PNG of 16 bits, which a canvas cannot write. Source: PNG, 3rd edition, 5 and 7. */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const MOST = 65535;

/** Return an image of numbers as a PNG. */
export async function png16(labels, { height, width }) {
  if (labels.some((value) => value > MOST)) throw new RangeError(`a PNG of 16 bit holds ${MOST} particles; save a TIFF`);
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 16); // bits; colour type 0 is grey
  const parts = [chunk("IHDR", new Uint8Array(header.buffer)), chunk("IDAT", await deflated(rows(labels, height, width)))];
  return new Blob([new Uint8Array(SIGNATURE), ...parts, chunk("IEND", new Uint8Array())], { type: "image/png" });
}

/** Return the rows, big endian, each after its filter's number: 2 is "up", and labels are mostly like those above. */
function rows(labels, height, width) {
  const out = new Uint8Array(height * (1 + 2 * width));
  for (let y = 0, to = 0; y < height; y++) {
    out[to++] = 2;
    for (let x = 0, at = y * width; x < width; x++, at++) {
      const value = labels[at], above = y ? labels[at - width] : 0;
      out[to++] = (value >> 8) - (above >> 8);
      out[to++] = value - above;
    }
  }
  return out;
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(name, data) {
  const out = new Uint8Array(12 + data.length), view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set([...name].map((letter) => letter.charCodeAt(0)), 4);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc(out.subarray(4, 8 + data.length)));
  return out;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc(bytes) {
  let value = ~0;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return ~value >>> 0;
}
