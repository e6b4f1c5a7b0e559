// The server, as a client of kill switches asks it. Everything has a deadline.

const TIMEOUT_MS = 10_000;
/** How long the stream may say nothing; the server shows every 5 s that it lives. */
const SILENCE_MS = 20_000;
/** How long a server is left alone at most, whatever it asks for. */
const MAX_LEFT_ALONE_MS = 600_000;
/** A snapshot larger than this is refused, bytes. */
const MAX_SNAPSHOT = 256 << 20;
/** A line of the stream longer than this ends it. */
const MAX_LINE = 64 << 10;

/** Waits, or until `signal` says that nobody waits any more. */
export const sleep = (ms, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
    // A program that has nothing else to do may end.
    timer.unref?.();
    signal?.addEventListener("abort", done, { once: true });
  });

export class Server {
  #base;
  #headers;
  #nowMs;
  #signal;
  #leftAloneUntilMs = 0;

  /** Throws a TypeError where `url` is none. */
  constructor({ url, token, name }, nowMs, signal) {
    const base = URL.canParse(url) ? new URL(url) : null;
    if (!["http:", "https:"].includes(base?.protocol)) {
      throw new TypeError(`"${url}" is not the address of a server; write for example http://127.0.0.1:9797`);
    }
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    this.#base = base;
    this.#headers = { "x-lanner-client": name, ...(token ? { authorization: `Bearer ${token}` } : {}) };
    this.#nowMs = nowMs;
    this.#signal = signal;
  }

  /** What the server has: `{ text, isDelta }`, or null where that is what has this tag. `onTime(serverMs, nonce, signature)`. */
  async ask(tag, onTime) {
    await this.#leaveAlone();
    const nonce = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const headers = { "x-lanner-nonce": nonce, ...(tag ? { "if-none-match": `"${tag}"` } : {}) };
    const response = await this.#fetch(tag ? `snapshot?since=${encodeURIComponent(tag)}` : "snapshot", { headers });
    let answer = null;
    if (response.status !== 304 || !tag) {
      if (response.status !== 200) throw new Error(`the server answers ${response.status}`);
      const text = await bounded(response);
      const document = parse(text);
      if (document?.format === undefined && document?.from === undefined) throw new Error("what the server sent is not a snapshot");
      answer = { text, isDelta: document.from !== undefined };
    }
    // Only what is an answer says what time it is.
    const serverMs = response.headers.get("x-lanner-now-ms");
    if (serverMs !== null) {
      await onTime(Number(serverMs), nonce, response.headers.get("x-lanner-now-signature"));
    }
    return answer;
  }

  /** What the stream tells: `{ tag, now_ms, delta }` each time it shows that it lives. Throws when it ends. */
  async *follow() {
    await this.#leaveAlone();
    const silence = new AbortController();
    const watch = () => setTimeout(() => silence.abort(new Error("the stream is silent")), SILENCE_MS);
    let timer = watch();
    try {
      const response = await this.#fetch("stream", {}, silence.signal);
      if (response.status !== 200) throw new Error(`the stream is refused: ${response.status}`);
      let rest = "";
      let told = null;
      for await (const text of pieces(response.body.pipeThrough(new TextDecoderStream()))) {
        clearTimeout(timer);
        timer = watch();
        const lines = (rest + text).split("\n");
        rest = lines.pop();
        if (rest.length > MAX_LINE) throw new Error("the stream is not one of kill switches");
        for (const line of lines) told = event(line) ?? told;
        // Whatever it says, it lives, and has what it last told.
        if (told) yield told;
      }
      throw new Error("the stream ended");
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
  }

  /** Tells something; whether that is done with. A server of an earlier release does not want to know. */
  async tell(name, body) {
    try {
      const response = await this.#fetch(name, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
      return response.ok || response.status === 404;
    } catch {
      return false;
    }
  }

  /** Waits for as long as the server asked to be left alone. */
  async #leaveAlone() {
    const waitMs = this.#leftAloneUntilMs - this.#nowMs();
    if (waitMs > 0) await sleep(waitMs, this.#signal);
  }

  /** A request with a deadline for its answer, or for the beginning of it where `signal` guards the rest. */
  async #fetch(name, request, signal) {
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    const signals = [this.#signal, signal ?? deadline];
    let response;
    try {
      response = await fetch(new URL(`api/v1/switches/${name}`, this.#base), {
        ...request,
        headers: { ...this.#headers, ...request.headers },
        signal: AbortSignal.any(signals),
        redirect: "error",
        cache: "no-store",
      });
    } catch (error) {
      throw new Error(`no answer from the server: ${error.cause?.message ?? error.message}`, { cause: error });
    }
    const afterS = Number(response.headers.get("retry-after") ?? "");
    if ((response.status === 429 || response.status >= 500) && afterS > 0) {
      this.#leftAloneUntilMs = this.#nowMs() + Math.min(afterS * 1_000, MAX_LEFT_ALONE_MS);
    }
    return response;
  }
}

/** What a stream brings, piece by piece; not every browser can go through one itself. */
async function* pieces(stream) {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    // Whoever stops early wants no more of it.
    reader.cancel().catch(() => {});
  }
}

/** The text of an answer, unless it is too long. */
const bounded = async (response) => {
  const parts = [];
  let length = 0;
  for await (const part of pieces(response.body)) {
    length += part.length;
    if (length > MAX_SNAPSHOT) throw new Error("the server sends more switches than a client holds");
    parts.push(part);
  }
  return new Blob(parts).text();
};

const parse = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** What a line of the stream tells; null where it tells nothing. */
const event = (line) => {
  const told = line.startsWith("data:") ? parse(line.slice(5)) : null;
  return typeof told?.tag === "string" && Number.isSafeInteger(told.now_ms) ? told : null;
};
