// The switches that a client holds: what is accepted, for how long nobody confirmed it, and what time it is. No network here.
//
// What is held never becomes older, and what is damaged or cannot be read is refused whole.

/** The server's clock does not step by more than this, milliseconds. */
const MAX_STEP_MS = 60_000;
/** A clock that is wrong by less than this is left alone: it is within what a request takes. */
const SAME_CLOCK_MS = 1_000;

export class Held {
  #evaluator;
  #verify;
  #options;
  #clock;
  #switches = null;
  #source = "nothing";
  #tag = null;
  #revision = 0;
  #everyMs = 30_000;
  /** When what is held was last confirmed, on the clock that only advances. */
  #confirmedMs;
  #offsetMs = 0;
  #serverClock = null;

  /**
   * - `verify(text, signature)` resolves to whether the server signed a text; null where no signature is required
   * - `clock`: `{ elapsedMs(), nowMs() }`
   */
  constructor(evaluator, options, verify, clock) {
    this.#evaluator = evaluator;
    this.#options = options;
    this.#verify = verify;
    this.#clock = clock;
    this.#confirmedMs = clock.elapsedMs();
  }

  get tag() {
    return this.#tag;
  }

  get revision() {
    return this.#revision;
  }

  get source() {
    return this.#source;
  }

  get everyMs() {
    return this.#everyMs;
  }

  /** The verdict of a context, or what it gets of `flag`. */
  decide(context, flag) {
    const { stale_ms, too_old } = this.staleness();
    const now_ms = this.nowMs();
    return this.#evaluator.decide(this.#switches, { context, now_ms, stale_ms, too_old, on_unavailable: this.#options.onUnavailable, flag });
  }

  staleness() {
    const stale_ms = Math.max(0, Math.trunc(this.#clock.elapsedMs() - this.#confirmedMs));
    return { stale_ms, too_old: stale_ms > this.#options.maxStaleMs };
  }

  nowMs() {
    return Math.trunc(this.#clock.nowMs() + this.#offsetMs);
  }

  /** What the server has is what is held. */
  confirm() {
    this.#confirmedMs = this.#clock.elapsedMs();
  }

  /** Holds a snapshot of the server from now on. Throws where it is refused; what was held stays. */
  async take(text) {
    await this.#hold(this.#read(() => this.#evaluator.switches(text), "what the server sent"));
  }

  /** Holds what a change makes of what is held. Throws where it does not fit. */
  async takeDelta(delta) {
    if (!this.#switches) throw new Error("there is nothing to change");
    await this.#hold(this.#read(() => this.#switches.changed(delta), "what the server told"));
  }

  /** Holds what was kept since another life of this program, `ageMs` ago. */
  async takeKept(text, ageMs) {
    const switches = this.#read(() => this.#evaluator.switches(text), "what was kept");
    await this.#check(switches);
    this.#put(switches, "kept");
    this.#confirmedMs = this.#clock.elapsedMs() - Math.max(0, ageMs);
  }

  snapshot() {
    return this.#switches?.snapshot();
  }

  /**
   * The server's clock said `serverMs` just now, in an answer that was otherwise believed. Once it is known, it only moves as
   * time does, or to what this machine's own clock says: whoever speaks for the server cannot end a switch before its time.
   */
  setClock(serverMs, isSigned) {
    if (!Number.isSafeInteger(serverMs) || (this.#verify && !isSigned)) return;
    const elapsedMs = this.#clock.elapsedMs();
    const nowMs = this.#clock.nowMs();
    if (this.#serverClock && !isSigned) {
      const expectedMs = this.#serverClock.serverMs + (elapsedMs - this.#serverClock.elapsedMs);
      const agreesWithOurs = Math.abs(serverMs - nowMs) <= MAX_STEP_MS;
      if (Math.abs(serverMs - expectedMs) > MAX_STEP_MS && !agreesWithOurs) return;
    }
    this.#serverClock = { serverMs, elapsedMs };
    const offsetMs = serverMs - nowMs;
    this.#offsetMs = Math.abs(offsetMs) < SAME_CLOCK_MS ? 0 : offsetMs;
  }

  #read(make, what) {
    try {
      return make();
    } catch (error) {
      throw new Error(`${what} is refused: ${error.message}`, { cause: error });
    }
  }

  async #hold(switches) {
    await this.#check(switches);
    const { revision, tag } = switches.status();
    if (this.#source !== "nothing" && revision <= this.#revision && tag !== this.#tag) {
      switches.free();
      throw new Error(
        `the server has revision ${revision} and this client another, ${this.#revision}: it was set back, and is rejected until its revision is higher`,
      );
    }
    this.#put(switches, "server");
    this.confirm();
  }

  async #check(switches) {
    if (!this.#verify) return;
    const { signature, signed_text: text } = switches.status();
    if (!(signature && (await this.#verify(text, signature)))) {
      switches.free();
      throw new Error(signature ? "it is signed by somebody else, or was changed" : "it is not signed, and this client requires a signature");
    }
  }

  #put(switches, source) {
    const { revision, tag, every_ms: everyMs } = switches.status();
    this.#switches?.free();
    this.#switches = switches;
    this.#source = source;
    this.#revision = revision;
    this.#tag = tag;
    this.#everyMs = everyMs;
  }
}
