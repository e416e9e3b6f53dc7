/** What the page says: what it is doing, what came of it, what was refused and what to do about it. */

const byId = (id) => document.getElementById(id);
const SHOWN_AFTER = 250; // ms; what is done before needs no mention
const LONG = 10; // s; what takes longer needs a word of advice
const TOLD_FOR = 6000; // ms
const NO_USE = [413, 415, 422]; // to try again
const TOO_LONG = 504;

export class Notices {
  #again = null;
  #instead = null;
  #clock = null;
  #told = null;
  #text = "";

  /** @param {{stop: () => void}} told */
  constructor({ stop }) {
    byId("cancel").addEventListener("click", stop);
    byId("dismiss").addEventListener("click", () => this.clear());
    byId("again").addEventListener("click", () => this.#clearThen(this.#again));
    byId("instead").addEventListener("click", () => this.#clearThen(this.#instead));
  }

  /** Tell those who listen, and nobody else. */
  say(text) {
    if (text) byId("say").textContent = text;
  }

  /** Tell everybody, for some seconds. */
  tell(text) {
    if (!text) return;
    this.say(text);
    clearTimeout(this.#told);
    byId("told").textContent = text;
    byId("told").hidden = false;
    this.#told = setTimeout(() => { byId("told").hidden = true; }, TOLD_FOR);
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
      const seconds = (performance.now() - work.since) / 1000, early = seconds * 1000 < SHOWN_AFTER;
      if (byId("working").hidden && !early) this.say(work.text);
      byId("working").hidden = early;
      byId("working-text").textContent = this.#text;
      byId("working-time").textContent = elapsed(seconds, work.usual);
      byId("working-slow").textContent = seconds >= LONG ? work.slow ?? "" : "";
    };
    show();
    this.#clock = setInterval(show, 200);
  }

  /** Say that the server is busy, and how long until it is asked again. */
  waiting(seconds, refusal) {
    this.#text = seconds ? `${refusal.title}: asking again in ${seconds} s` : "Asking again";
    if (seconds === Math.ceil(refusal.retryAfter)) this.say(this.#text);
  }

  /** Show a refusal in the server's words. `again` does what was refused once more, `instead` what may work. */
  refused({ error, name, again, instead }) {
    const way = error.status === TOO_LONG ? instead : null;
    this.#again = again ?? null;
    this.#instead = way?.act ?? null;
    byId("notice-title").textContent = error.title ?? "This page failed";
    byId("notice-detail").textContent = sentence(error.detail ?? String(error), name);
    byId("again").hidden = !again || NO_USE.includes(error.status);
    byId("instead").hidden = !way;
    if (way) byId("instead").textContent = way.name;
    byId("told").hidden = true;
    byId("notice").hidden = false;
  }

  clear() {
    byId("notice").hidden = byId("told").hidden = true;
    this.#again = this.#instead = null;
  }

  /** Ask for a token; null if there is none. */
  async askToken(refusal) {
    const field = byId("token");
    byId("token-detail").textContent = field.value ? "That was not it." : sentence(refusal.detail);
    field.value = "";
    return (await answered(byId("token-dialog"))) === "send" ? field.value.trim() : null;
  }

  /** Ask whether changes to an image may be lost; true if so. */
  async mayLose(name, next) {
    byId("h-leave").textContent = `Open ${next}?`;
    byId("leave-detail").textContent = `What you added or deleted in ${name} is not saved, and will be gone.`;
    return (await answered(byId("leave-dialog"))) === "leave";
  }

  #clearThen(act) {
    this.clear();
    act?.();
  }
}

/** Show a dialog; return the value of the button that closed it. */
function answered(dialog) {
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
  });
}

function elapsed(seconds, usual) {
  if (seconds < 1) return "";
  return usual >= 2 ? `${Math.floor(seconds)} of about ${Math.round(usual)} s` : `${Math.floor(seconds)} s`;
}

function sentence(text, name = null) {
  const whole = name ? `${name}: ${text}` : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
