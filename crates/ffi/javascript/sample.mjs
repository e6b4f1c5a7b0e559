// A few of the contexts that were asked, on which the server previews switches before they are on.

/** A context is kept this often at most. */
const EVERY_MS = 100;
/** So many are kept until the server is told. */
const MAX_CONTEXTS = 100;
/** A larger one is not kept, characters. */
const MAX_LENGTH = 8 << 10;

export class Sample {
  #lastMs = -Infinity;
  #kept = [];

  note(context, elapsedMs) {
    if (elapsedMs - this.#lastMs < EVERY_MS || this.#kept.length >= MAX_CONTEXTS) return;
    this.#lastMs = elapsedMs;
    const text = JSON.stringify(context);
    if (text.length <= MAX_LENGTH) this.#kept.push(JSON.parse(text));
  }

  take() {
    const kept = this.#kept;
    this.#kept = [];
    return kept;
  }
}
