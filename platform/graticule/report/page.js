"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const PAGE = 100;

  // Read-out under the pointer.
  for (const svg of document.querySelectorAll("svg[data-values]")) {
    const data = JSON.parse(svg.dataset.values);
    const [low, high] = svg.dataset.x.split(",").map(Number);
    const [left, right, top, bottom] = svg.dataset.box.split(",").map(Number);
    const tip = svg.parentNode.appendChild(Object.assign(document.createElement("div"), { className: "tip", hidden: true }));
    const cross = svg.appendChild(document.createElementNS(SVG, "path"));
    cross.setAttribute("class", "cross");
    svg.addEventListener("pointerleave", () => { tip.hidden = true; cross.setAttribute("d", ""); });
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const unit = box.width / svg.viewBox.baseVal.width;
      const value = low + ((event.clientX - box.left) / unit - left) / (right - left) * (high - low);
      let best = -1;
      data.x.forEach((x, i) => { if (best < 0 || Math.abs(x - value) < Math.abs(data.x[best] - value)) best = i; });
      if (best < 0) return;
      const at = left + (data.x[best] - low) / (high - low) * (right - left);
      cross.setAttribute("d", `M${at} ${top}V${bottom}`);
      const lines = data.series.map((s) => `${s.name}: ${s.y[best] === null ? "none" : s.y[best]}`);
      tip.replaceChildren(...[`${data.label}: ${data.x[best]}`, ...lines].map((text) =>
        Object.assign(document.createElement("div"), { textContent: text })));
      tip.hidden = false;
      const side = at > (left + right) / 2;
      tip.style.left = side ? "auto" : `${at * unit + 10}px`;
      tip.style.right = side ? `${box.width - at * unit + 10}px` : "auto";
    });
  }

  // Events: filter by kind, sort by column, jump to the moment.
  const { rows, thumbnails } = JSON.parse(document.getElementById("event-data").textContent);
  const table = document.getElementById("events");
  const keys = [...table.querySelectorAll("th button")].map((button) => button.dataset.key);
  const state = { hidden: new Set(), border: true, key: "event", up: true, limit: PAGE };

  function chip(text, checked, change) {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "checkbox", checked });
    input.addEventListener("change", () => { change(input.checked); state.limit = PAGE; show(); });
    label.append(input, text);
    document.getElementById("kinds").append(label);
    return input;
  }

  for (const kind of ["merge", "split", "appear", "vanish"]) {
    const count = rows.filter((row) => row.kind === kind).length;
    const few = kind === "merge" || kind === "split" || !rows.some((row) => row.kind === "merge" || row.kind === "split");
    if (!few) state.hidden.add(kind);
    chip(`${kind} (${count})`, few, (on) => (on ? state.hidden.delete(kind) : state.hidden.add(kind))).value = kind;
  }
  chip("at the border", true, (on) => { state.border = on; }).value = "border";

  function compare(a, b) {
    const [one, other] = [a[state.key], b[state.key]].map((v) => (Array.isArray(v) ? v[0] ?? -1 : v));
    const order = one < other ? -1 : one > other ? 1 : a.event - b.event;
    return state.up ? order : -order;
  }

  function cells(row) {
    const line = document.createElement("tr");
    line.dataset.event = row.event;
    for (const key of keys) {
      const value = row[key];
      const text = Array.isArray(value) ? value.join(" + ") : value === null ? "" : value;
      line.insertCell().textContent = key === "kind" && row.border ? `${text} (border)` : text;
    }
    const picture = line.insertCell();
    if (thumbnails[row.event]) {
      picture.append(Object.assign(document.createElement("img"), { src: thumbnails[row.event], alt: "before, contact, after" }));
    }
    line.addEventListener("click", () => seek(row.at));
    return line;
  }

  function seek(at) {
    const video = document.getElementById("overlay");
    video.pause();
    video.currentTime = at;
    video.scrollIntoView({ block: "center" });
  }

  function show() {
    const chosen = rows.filter((row) => !state.hidden.has(row.kind) && (state.border || !row.border)).sort(compare);
    table.tBodies[0].replaceChildren(...chosen.slice(0, state.limit).map(cells));
    document.getElementById("shown").textContent = `${chosen.length} of ${rows.length} events`;
    document.getElementById("more").hidden = chosen.length <= state.limit;
    for (const button of table.querySelectorAll("th button")) {
      const mine = button.dataset.key === state.key;
      button.parentNode.setAttribute("aria-sort", mine ? (state.up ? "ascending" : "descending") : "none");
    }
  }

  for (const button of table.querySelectorAll("th button")) {
    button.addEventListener("click", () => {
      state.up = state.key === button.dataset.key ? !state.up : true;
      state.key = button.dataset.key;
      show();
    });
  }
  document.getElementById("more").addEventListener("click", () => { state.limit += PAGE; show(); });
  show();
})();
