// Kill switches in JavaScript: the same evaluator, as WebAssembly.
//
//   import { Lanner } from "./lanner.mjs";
//   const lanner = await Lanner.load(await readFile("lanner_ffi.wasm"));
//   const switches = lanner.switches({ switches: [{ id: "a", when: 'BANK == "HSBC"' }] });
//   switches.evaluate({ BANK: "HSBC" }).blocked // true
//
// Fetch /api/v1/switches/snapshot now and then, and make switches anew when its ETag changed; `free` the old ones.

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

export class Lanner {
  #calls;

  /** Takes the bytes of the module, or a response that holds them. */
  static async load(bytes) {
    const { instance } = await WebAssembly.instantiate(await bytes, {});
    return new Lanner(instance.exports);
  }

  constructor(calls) {
    this.#calls = calls;
  }

  /** Switches: a snapshot's text as the server gives it, or an object with a list `switches`. Throws where they are wrong. */
  switches(snapshot) {
    const text = typeof snapshot === "string" ? snapshot : textOf(snapshot);
    return new Switches(this.#calls, text);
  }
}

export class Switches {
  #calls;
  #handle;

  constructor(calls, text) {
    this.#calls = calls;
    this.#handle = this.#pass(text, (start, length, answer) => calls.lanner_switches_new(start, length, answer), (handle) => handle === NOTHING).result;
  }

  /** The verdict of a context: { blocked, switches, shadow, reason, answer, revision }. Throws where it is no object. */
  evaluate(context, nowMs = Date.now()) {
    const call = (start, length, answer) =>
      this.#calls.lanner_switches_evaluate(this.#handle, start, length, BigInt(nowMs), answer);
    return JSON.parse(this.#pass(textOf(context), call, (blocked) => blocked < 0).text);
  }

  /** Gives the memory back; use it no more. */
  free() {
    this.#calls.lanner_switches_free(this.#handle);
    this.#handle = NOTHING;
  }

  /** Writes a text into the module's memory, calls, and takes the text that was given back. */
  #pass(text, call, isError) {
    const calls = this.#calls;
    const bytes = new TextEncoder().encode(text);
    const start = calls.lanner_memory_new(bytes.length);
    const answer = calls.lanner_memory_new(4);
    try {
      new Uint8Array(calls.memory.buffer).set(bytes, start);
      new DataView(calls.memory.buffer).setUint32(answer, NOTHING, true);
      const result = call(start, bytes.length, answer);
      const given = this.#take(new DataView(calls.memory.buffer).getUint32(answer, true));
      if (isError(result)) throw new Error(given);
      return { result, text: given };
    } finally {
      calls.lanner_memory_free(start, bytes.length);
      calls.lanner_memory_free(answer, 4);
    }
  }

  #take(start) {
    if (start === NOTHING) return "";
    const memory = new Uint8Array(this.#calls.memory.buffer);
    const text = new TextDecoder().decode(memory.subarray(start, memory.indexOf(0, start)));
    this.#calls.lanner_string_free(start);
    return text;
  }
}
