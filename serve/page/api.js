/** The server's API: what it says no to comes as a Refusal, and it is asked again when it is only busy. */

const TOKEN = "graticule-token";
const PATIENCE = 30; // times that a busy server is asked again

/** A "no", in the server's words where it has any. Status 0: no answer at all. */
export class Refusal extends Error {
  constructor({ status, title, detail, retryAfter = null }) {
    super(detail);
    Object.assign(this, { status, title, detail, retryAfter });
  }
}

export class Server {
  #askToken;
  #onWait;

  /**
   * @param {(refusal: Refusal) => Promise<string | null>} askToken  called when the server wants another token
   * @param {(seconds: number, refusal: Refusal) => void} onWait  told each second of waiting for a busy server
   */
  constructor({ askToken, onWait }) {
    this.#askToken = askToken;
    this.#onWait = onWait;
  }

  models(signal) { return this.#json("/v1/models", { signal }); }
  examples(signal) { return this.#json("/v1/examples", { signal }); }
  async blob(path, signal) { return (await this.#asked(path, { signal })).blob(); }

  /** Return the image as a PNG that can be drawn, and its pixel size where the file holds one. */
  async view(file, signal) {
    const answer = await this.#asked("/v1/view", { method: "POST", body: form(file), signal });
    const nm = Number(answer.headers.get("Graticule-Pixel-Size-Nm"));
    return { png: await answer.blob(), nm: nm > 0 ? nm : null };
  }

  segment(file, options, signal) {
    return this.#json("/v1/segment", { method: "POST", body: form(file, options), signal });
  }

  /** Ask for the particles at points ([x, y]) and in boxes ([x0, y0, x1, y1]), in image pixels. */
  prompt(file, { points, boxes, model }, signal) {
    const prompts = JSON.stringify({ points: points.map(([x, y]) => [x, y, 1]), boxes });
    return this.segment(file, { prompts, ...(model && { model }) }, signal);
  }

  async #json(path, options) {
    return (await this.#asked(path, { ...options, accept: "application/json" })).json();
  }

  async #asked(path, options) {
    for (let tries = 0; ; tries++) {
      try {
        return await sent(path, options);
      } catch (error) {
        if (error.status === 401) {
          const token = await this.#askToken(error);
          if (token === null) throw error;
          sessionStorage.setItem(TOKEN, token);
        } else if (error.status === 503 && error.retryAfter !== null && tries < PATIENCE) {
          await this.#wait(error, options.signal);
        } else throw error;
      }
    }
  }

  async #wait(refusal, signal) {
    for (let left = Math.ceil(refusal.retryAfter); left > 0; left--) {
      this.#onWait(left, refusal);
      await pause(1000, signal);
    }
    this.#onWait(0, refusal);
  }
}

function form(file, options = {}) {
  const fields = new FormData();
  for (const [name, value] of Object.entries(options)) fields.set(name, value);
  fields.set("image", file, "image");
  return fields;
}

async function sent(path, { method = "GET", body, accept = "*/*", signal }) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { Accept: accept, ...(token && { Authorization: `Bearer ${token}` }) };
  let answer;
  try {
    answer = await fetch(path, { method, body, headers, signal, cache: method === "GET" ? "default" : "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal({ status: 0, title: "The server does not answer", detail: "it is not running, or this computer has lost its connection to it; what is on this page stays" });
  }
  if (!answer.ok) throw await refusalOf(answer);
  return answer;
}

async function refusalOf(answer) {
  const told = await answer.json().catch(() => ({}));
  const after = Number(answer.headers.get("Retry-After"));
  return new Refusal({
    status: answer.status,
    title: told.title ?? `The server refused (${answer.status})`,
    detail: told.detail ?? answer.statusText,
    retryAfter: after > 0 ? after : null,
  });
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => { clearTimeout(timer); reject(new DOMException("ended", "AbortError")); }, { once: true });
  });
}
