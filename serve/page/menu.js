/** A button that opens a list to choose from, as WAI-ARIA's menu button has it. */

let filling = null; // whose items are being replaced: losing the focus by that closes nothing

/** Make a `.menu` work; fill it with {@link fillMenu}. */
export function menu(root) {
  const button = root.querySelector("button.opens"), list = root.querySelector("[role=menu]");
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => toggle(list.hidden));
  button.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); toggle(true); }
  });
  list.addEventListener("keydown", (event) => {
    const items = itemsOf(list), at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[to % items.length].focus();
    else if (event.key === "Escape") toggle(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  list.addEventListener("click", (event) => { if (event.target.closest("[role^=menuitem]")) toggle(false); });
  root.addEventListener("focusout", (event) => { if (filling !== root && !root.contains(event.relatedTarget)) hide(); });
  document.addEventListener("pointerdown", (event) => { if (!root.contains(event.target)) hide(); });

  function toggle(open) {
    list.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) (list.querySelector("[aria-checked=true]") ?? itemsOf(list)[0])?.focus();
    else button.focus();
  }

  function hide() {
    list.hidden = true;
    button.setAttribute("aria-expanded", "false");
  }
}

/**
 * Put items into a `.menu`; one that is open stays so, at the same item.
 *
 * @param {{name: string, lines: string[], badge?: string, checked?: boolean, chosen: () => void}[]} items
 */
export function fillMenu(root, items) {
  const list = root.querySelector("[role=menu]"), at = itemsOf(list).indexOf(document.activeElement);
  filling = root;
  list.replaceChildren(...items.map(({ name, lines = [], badge, checked, chosen }) => {
    const item = element("button", { type: "button", tabindex: "-1" });
    item.setAttribute("role", checked === undefined ? "menuitem" : "menuitemradio");
    if (checked !== undefined) item.setAttribute("aria-checked", String(checked));
    const head = element("b", {}, name);
    item.append(head, ...lines.map((line) => element("small", {}, line)));
    if (badge) head.append(element("i", { class: "badge" }, badge));
    item.addEventListener("click", chosen);
    return item;
  }));
  filling = null;
  if (at >= 0) (itemsOf(list)[at] ?? itemsOf(list)[0])?.focus();
}

export function element(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

function itemsOf(list) {
  return [...list.querySelectorAll("[role^=menuitem]")];
}
