/** What is said of a model where one is chosen. */

/** The model that large images are left to. */
export const FASTEST = "threshold";

const GOOD_FOR = {
  threshold: "Clean, high contrast; particles of a few pixels. Fastest.",
  "yolov8n-seg": "Noisy images; keeps touching particles apart. Fast.",
  "swin-unet": "Outlines, at moderate cost.",
  vmamba: "Most images, noisy ones too. Some seconds.",
  "efficient-sam-ti": "What no other was trained on; answers clicks. Slowest.",
};

/** Return the lines under a model's name. */
export function linesOf(entry) {
  const lines = [GOOD_FOR[entry.network] ?? "A network that this page does not know."];
  const registered = entry.name !== entry.network;
  const score = Object.entries(entry.metrics).map(([name, value]) => `${name} ${value.toFixed(3)}`).slice(0, 3).join(", ");
  if (registered) lines.push(["Trained here", score].filter(Boolean).join(": "));
  return lines;
}

/** Return models with the champion first, then by how long they take. */
export function inOrder(models) {
  const order = Object.keys(GOOD_FOR);
  const rank = (entry) => (entry.champion ? -1 : order.indexOf(entry.network) + (entry.name === entry.network ? 0 : 0.5));
  return [...models].sort((a, b) => rank(a) - rank(b) || b.name.localeCompare(a.name, undefined, { numeric: true }));
}
