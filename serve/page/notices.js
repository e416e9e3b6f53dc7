/** What the page says: what it is doing, what was refused and what to do about it, and to those who listen. */

const byId = (id) => document.getElementById(id);
const SHOWN_AFTER = 250; // ms; what is done before needs no mention

export class Notices {
  #again = null;
  #clock = null;
  #text = "";

  /** @param {{stop: () => void}} told */
  constructor({ stop }) {
    byId("cancel").addEventListener("click", stop);
    byId("dismiss").addEventListener("click", () => this.clear());
    byId("again").addEventListener("click", () => {
      const again = this.#again;
      this.clear();
      again?.();
    });
  }

  /** Tell those who listen, and nobody else. */
  say(text) {
    if (text) byId("say").textContent = text;
  }

  /** Show what is being done, or with null that nothing is. */
  working(work) {
    clearInterval(this.#clock);
    if (!work) {
      byId("working").hidden = true;
      return;
    }
    this.#text = work.text;
    const show = () => {
      const seconds = (performance.now() - work.since) / 1000;
      byId("working").hidden = seconds * 1000 < SHOWN_AFTER;
      byId("working-text").textContent = this.#text;
      byId("working-time").textContent = seconds < 1 ? "" : `${Math.floor(seconds)} s`;
    };
    show();
    this.#clock = setInterval(show, 200);
  }

  /** Say that the server is busy, and how long until it is asked again. */
  waiting(seconds, refusal) {
    this.#text = seconds ? `${refusal.title}: asking again in ${seconds} s` : "Asking again";
    if (seconds === Math.ceil(refusal.retryAfter)) this.say(this.#text);
  }

  /** Show a refusal in the server's words; `again` does what was refused once more. */
  refused({ error, again }) {
    this.#again = again ?? null;
    byId("notice-title").textContent = error.title ?? "This page failed";
    byId("notice-detail").textContent = sentence(error.detail ?? String(error));
    byId("again").hidden = !again || [413, 415, 422].includes(error.status);
    byId("notice").hidden = false;
  }

  clear() {
    byId("notice").hidden = true;
    this.#again = null;
  }

  /** Ask for a token; null if there is none. */
  askToken(refusal) {
    const dialog = byId("token-dialog"), field = byId("token");
    byId("token-detail").textContent = field.value ? "That was not it." : sentence(refusal.detail);
    field.value = "";
    dialog.returnValue = "cancel";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "send" ? field.value.trim() : null), { once: true });
    });
  }
}

function sentence(text) {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
