// The evaluator, as WebAssembly: texts in, texts out. `index.mjs` is what programs import.

const NOTHING = 0;

/** The text of a value. Throws a TypeError where JSON cannot hold it: it contains itself, is nested too deep, or is none. */
const textOf = (value) => {
  let text;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) throw new TypeError("it is nested too deep for JSON", { cause: error });
    throw error;
  }
  if (text === undefined) throw new TypeError(`${typeof value} is nothing that JSON can hold`);
  return text;
};

const asText = (value) => (typeof value === "string" ? value : textOf(value));

/** Where the module lies: beside this file. */
const MODULE = new URL("./lanner_ffi.wasm", import.meta.url);

const bytesOf = async (url) => {
  if (url.protocol !== "file:") return (await fetch(url)).arrayBuffer();
  const { readFile } = await import("node:fs/promises");
  return readFile(url);
};

let loading;

/** The module, instantiated once. */
export const load = () => {
  loading ??= bytesOf(MODULE).then(Evaluator.from);
  loading.catch(() => (loading = undefined));
  return loading;
};

export class Evaluator {
  #calls;

  /** Takes the bytes of the module. */
  static async from(bytes) {
    const { instance } = await WebAssembly.instantiate(await bytes, {});
    return new Evaluator(instance.exports);
  }

  constructor(calls) {
    this.#calls = calls;
  }

  /** Switches: a snapshot's text as the server gives it, or an object with a list `switches`. Throws where they are wrong. */
  switches(snapshot) {
    const call = (start, length, answer) => this.#calls.lanner_switches_new(start, length, answer);
    return new GivenSwitches(this, this.pass(asText(snapshot), call, isNothing).result);
  }

  /** The answer to a question, with `switches` or, while none were ever known, with null; see `lanner_switches_decide`. */
  decide(switches, question) {
    const { context } = question;
    if (typeof context !== "object" || context === null || Array.isArray(context)) throw new TypeError("the context is not a JSON object");
    const handle = switches?.handle ?? NOTHING;
    const call = (start, length, answer) => this.#calls.lanner_switches_decide(handle, start, length, answer);
    return JSON.parse(this.pass(textOf(question), call, isNegative).text);
  }

  get calls() {
    return this.#calls;
  }

  /** Writes a text into the module's memory, calls, and takes the text that was given back. */
  pass(text, call, isError) {
    const calls = this.#calls;
    const bytes = new TextEncoder().encode(text);
    const start = calls.lanner_memory_new(bytes.length);
    const answer = calls.lanner_memory_new(4);
    try {
      new Uint8Array(calls.memory.buffer).set(bytes, start);
      new DataView(calls.memory.buffer).setUint32(answer, NOTHING, true);
      const result = call(start, bytes.length, answer);
      const given = this.take(new DataView(calls.memory.buffer).getUint32(answer, true));
      if (isError(result)) throw new Error(given);
      return { result, text: given };
    } finally {
      calls.lanner_memory_free(start, bytes.length);
      calls.lanner_memory_free(answer, 4);
    }
  }

  /** Takes a text that the module gave. */
  take(start) {
    if (start === NOTHING) return "";
    const memory = new Uint8Array(this.#calls.memory.buffer);
    const text = new TextDecoder().decode(memory.subarray(start, memory.indexOf(0, start)));
    this.#calls.lanner_string_free(start);
    return text;
  }
}

const isNothing = (handle) => handle === NOTHING;
const isNegative = (code) => code < 0;

/** Switches that stay as they were given. */
export class GivenSwitches {
  #evaluator;

  constructor(evaluator, handle) {
    this.#evaluator = evaluator;
    this.handle = handle;
  }

  /** The verdict of a context. Throws where it is no object. */
  evaluate(context, nowMs = Date.now()) {
    return this.#evaluator.decide(this, { context, now_ms: Math.trunc(nowMs) });
  }

  /** What a context gets of a flag. */
  flag(key, context, nowMs = Date.now()) {
    return this.#evaluator.decide(this, { context, now_ms: Math.trunc(nowMs), flag: key });
  }

  /** The switches that a change makes of these. Throws where it does not fit. */
  changed(delta) {
    const calls = this.#evaluator.calls;
    const call = (start, length, answer) => calls.lanner_switches_changed(this.handle, start, length, answer);
    return new GivenSwitches(this.#evaluator, this.#evaluator.pass(asText(delta), call, isNothing).result);
  }

  /** As a snapshot's text. */
  snapshot() {
    return this.#evaluator.take(this.#evaluator.calls.lanner_switches_snapshot(this.handle));
  }

  /** Revision, tag, signature and the text that it signs. */
  status() {
    return JSON.parse(this.#evaluator.take(this.#evaluator.calls.lanner_switches_status(this.handle)));
  }

  /** Gives the memory back; use it no more. */
  free() {
    this.#evaluator.calls.lanner_switches_free(this.handle);
    this.handle = NOTHING;
  }
}
