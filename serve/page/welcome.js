/** What is on the stage before there is an image: a reticle, and images to try things with. */

import { element, fillMenu } from "./menu.js";

const SVG = "http://www.w3.org/2000/svg";

export async function welcome(server, open, failed) {
  reticle(document.querySelector(".reticle"));
  const root = document.getElementById("examples-menu");
  try {
    const examples = await server.examples();
    const pick = async (example) => open(await bytes(server, example), { name: `${example.name}.png`, nm: example.pixel_size_nm });
    fillMenu(root, examples.map((example) => ({ name: example.title, lines: [linesOf(example)], chosen: () => pick(example) })));
    const cards = await Promise.all(examples.map((example) => card(server, example, pick)));
    document.getElementById("cards").replaceChildren(...cards);
  } catch (error) {
    failed(error);
  }
}

async function bytes(server, example) {
  return new File([await server.blob(example.url)], `${example.name}.png`, { type: "image/png" });
}

async function card(server, example, pick) {
  const made = element("button", { type: "button", class: "example" });
  const image = element("img", { alt: "", width: "512", height: "512" });
  image.src = URL.createObjectURL(await server.blob(example.url));
  made.append(image, element("b", {}, example.title), element("small", {}, linesOf(example)));
  made.addEventListener("click", () => pick(example));
  return made;
}

function linesOf({ particles, pixel_size_nm: nm }) {
  return `simulated, ${particles} particles, ${nm} nm/px`;
}

/** Draw what a reticle in an eyepiece looks like: circle, cross, and ticks along it. */
function reticle(svg) {
  if (svg.childElementCount) return;
  const lines = [];
  for (let k = -14; k <= 14; k++) {
    if (!k) continue;
    const at = k * 10, half = k % 5 ? 3 : 7;
    lines.push(`M${at} ${-half}V${half}M${-half} ${at}H${half}`);
  }
  const add = (name, attributes) => {
    const part = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    svg.append(part);
  };
  add("circle", { r: 150 });
  add("circle", { r: 50, class: "fine" });
  add("path", { d: "M-150 0H-12M12 0H150M0 -150V-12M0 12V150" });
  add("path", { d: lines.join(""), class: "fine" });
}
