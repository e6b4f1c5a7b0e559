// Kill switches for JavaScript, decided inside your process: `index.d.ts` describes what is here.

import { cacheOf } from "./cache.mjs";
import { load } from "./evaluator.mjs";
import { Held } from "./held.mjs";
import { Sample } from "./sample.mjs";
import { Server, sleep } from "./server.mjs";
import { verifierOf } from "./signature.mjs";

/** The first wait after something failed; each further one is twice as long. */
const FIRST_WAIT_MS = 250;
/** How often the server is told what is held, and what switches did. */
const TELL_EVERY_MS = 10_000;

const DEFAULTS = {
  maxStaleMs: Infinity,
  onUnavailable: "last_good",
  push: true,
  everyMs: undefined,
  patienceMs: 2_000,
  sample: false,
  onProblem: () => {},
  onChange: () => {},
};
const KNOWN = new Set([...Object.keys(DEFAULTS), "url", "token", "key", "cache", "name"]);
const POLICIES = ["last_good", "open", "closed"];

/** Switches that stay as they are given: a snapshot as the server gives it, or `{ switches: [...] }`. */
export const given = async (snapshot) => (await load()).switches(snapshot);

/** Switches of a server, kept up to date until they are closed. */
export const connect = async (options = {}) => {
  const checked = { ...DEFAULTS, name: ownName(), ...check(options) };
  const verify = checked.key === undefined ? null : await verifierOf(checked.key);
  const switches = new Switches(await load(), checked, verify);
  await switches.begin();
  return switches;
};

const check = (options) => {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) throw new TypeError(`there is no option "${name}"; there are ${[...KNOWN].sort().join(", ")}`);
  }
  for (const name of ["maxStaleMs", "everyMs", "patienceMs"]) {
    const value = options[name];
    if (value !== undefined && !(value >= 0)) throw new TypeError(`${name} should be a number of milliseconds, 0 or more`);
  }
  if (options.onUnavailable !== undefined && !POLICIES.includes(options.onUnavailable)) {
    throw new TypeError(`onUnavailable should be ${POLICIES.join(", ")}`);
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
};

const ownName = () => (globalThis.process?.pid ? `node-${globalThis.process.pid}` : "browser");

export class Switches {
  #options;
  #held;
  #server;
  #verify;
  #cache;
  #closing = new AbortController();
  #isPushed = false;
  #problem = null;
  #cacheProblem = null;
  #counts = new Map();
  #sample = new Sample();

  /** Use `connect`. */
  constructor(evaluator, options, verify) {
    const clock = { elapsedMs: () => performance.now(), nowMs: () => Date.now() };
    this.#options = options;
    this.#held = new Held(evaluator, options, verify, clock);
    this.#server = new Server(options, clock.elapsedMs, this.#closing.signal);
    this.#verify = verify;
    this.#cache = cacheOf(options.cache);
  }

  /** The verdict of a context. Never waits; throws a TypeError where the context is none. */
  evaluate(context) {
    const verdict = this.#held.decide(context);
    this.#count(verdict.switches, "blocked");
    this.#count(verdict.shadow, "shadow");
    if (this.#options.sample) this.#sample.note(context, performance.now());
    return verdict;
  }

  /** What a context gets of a flag; every switch is one, and `blocked` is all of them. */
  flag(key, context) {
    return this.#held.decide(context, key);
  }

  /** Revision, source, staleness and the last problem. */
  status() {
    const { stale_ms, too_old } = this.#held.staleness();
    return {
      revision: this.#held.revision,
      source: this.#held.source,
      stale_ms,
      too_old,
      pushed: this.#isPushed,
      problem: this.#problem,
      cache_problem: this.#cacheProblem,
    };
  }

  /** Stops refreshing. What is held can still be asked. */
  close() {
    this.#closing.abort();
  }

  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.close();
  }

  /** Takes up what was kept, asks the server for a short while, and goes on in the background. */
  async begin() {
    await this.#takeUpKept();
    await Promise.race([this.#refresh(), sleep(this.#options.patienceMs, this.#closing.signal)]);
    this.#run();
    this.#tell();
  }

  get #isClosed() {
    return this.#closing.signal.aborted;
  }

  async #run() {
    let waitMs = FIRST_WAIT_MS;
    while (!this.#isClosed) {
      if (this.#options.push) {
        await this.#follow().catch(() => {});
        if (this.#isPushed) waitMs = FIRST_WAIT_MS;
        this.#isPushed = false;
      }
      const worked = await this.#refresh();
      const everyMs = this.#options.everyMs ?? this.#held.everyMs;
      // Without push, what works is asked again in its own time; what broke is tried again soon, then less often.
      const nextMs = worked && !this.#options.push ? everyMs : Math.min(waitMs, everyMs);
      waitMs = Math.min(2 * waitMs, everyMs);
      await sleep(shortened(nextMs), this.#closing.signal);
    }
  }

  /** Follows the stream until it breaks. */
  async #follow() {
    for await (const { tag, now_ms, delta } of this.#server.follow()) {
      if (this.#held.tag === tag) this.#held.confirm();
      else await this.#change(delta);
      // Only now is it known to be the server's stream and no proxy's page.
      this.#held.setClock(now_ms, false);
      this.#problem = null;
      this.#isPushed = true;
    }
  }

  async #change(delta) {
    try {
      await this.#held.takeDelta(delta);
      await this.#changed();
    } catch {
      await this.#fetch(this.#held.tag);
    }
  }

  /** Fetches what is new, and notes why if that fails. Returns whether it worked. */
  async #refresh() {
    try {
      await this.#fetch(this.#held.tag);
      this.#problem = null;
      return true;
    } catch (error) {
      if (!this.#isClosed) this.#fail(error.message);
      return false;
    }
  }

  async #fetch(tag) {
    const onTime = async (serverMs, nonce, signature) => {
      const isSigned = this.#verify && signature ? await this.#verify(`lanner time ${serverMs} ${nonce}`, signature) : false;
      time = [serverMs, isSigned];
    };
    let time;
    const answer = await this.#server.ask(tag, onTime);
    if (answer === null) this.#held.confirm();
    else if (!answer.isDelta) await this.#take(answer.text);
    else {
      try {
        await this.#held.takeDelta(answer.text);
        await this.#changed();
      } catch {
        await this.#fetch(null);
      }
    }
    if (time) this.#held.setClock(...time);
  }

  async #take(text) {
    await this.#held.take(text);
    await this.#changed();
  }

  /** Keeps what is held now, and tells the program. What cannot be kept is held all the same. */
  async #changed() {
    if (this.#cache) {
      try {
        await this.#cache.write(this.#held.snapshot());
        this.#cacheProblem = null;
      } catch (error) {
        this.#cacheProblem = `the switches cannot be kept: ${error.message}`;
        this.#options.onProblem(this.#cacheProblem);
      }
    }
    this.#options.onChange(this.#held.revision);
  }

  async #takeUpKept() {
    if (!this.#cache) return;
    try {
      const kept = await this.#cache.read();
      if (kept) await this.#held.takeKept(kept.text, kept.ageMs);
    } catch (error) {
      this.#cacheProblem = `what was kept was refused at the start: ${error.message}`;
      this.#options.onProblem(this.#cacheProblem);
    }
  }

  /** Notes why refreshing failed; said once however often it is noted. */
  #fail(why) {
    if (this.#problem === why) return;
    this.#problem = why;
    this.#options.onProblem(`kill switches are not refreshed: ${why}`);
  }

  #count(ids, what) {
    for (const id of ids) {
      const count = this.#counts.get(id) ?? { blocked: 0, shadow: 0 };
      count[what] += 1;
      this.#counts.set(id, count);
    }
  }

  /** Tells the server now and then what is held here, and what switches did. */
  async #tell() {
    while (!this.#isClosed) {
      const counts = this.#counts;
      this.#counts = new Map();
      if (counts.size > 0 && !(await this.#server.tell("counts", { counts: Object.fromEntries(counts) }))) this.#untold(counts);
      await this.#server.tell("clients", {
        client: this.#options.name,
        revision: this.#held.revision,
        tag: this.#held.tag,
        problem: this.#problem,
        contexts: this.#sample.take(),
        file_problem: this.#cacheProblem,
      });
      await sleep(shortened(TELL_EVERY_MS), this.#closing.signal);
    }
  }

  /** Takes back what could not be told. */
  #untold(counts) {
    for (const [id, { blocked, shadow }] of counts) {
      const count = this.#counts.get(id) ?? { blocked: 0, shadow: 0 };
      this.#counts.set(id, { blocked: count.blocked + blocked, shadow: count.shadow + shadow });
    }
  }
}

/** Between a half and all of it, by chance, so that many clients do not come back at once. */
const shortened = (ms) => ms * (0.5 + Math.random() / 2);
