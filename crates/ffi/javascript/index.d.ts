/** A JSON object whose fields conditions name. */
export type Context = { readonly [field: string]: unknown };

/** What a blocked caller answers. */
export interface Answer {
  status: number;
  headers: [string, string][];
  body: string | null;
}

/** What the switches say of one context. */
export interface Verdict {
  /** Whether the context is blocked. */
  blocked: boolean;
  /** The switches that block it, the one that answers first. */
  switches: string[];
  /** The switches in shadow that would block it. */
  shadow: string[];
  /** Why it is blocked, for people. */
  reason?: string;
  /** What a blocked caller answers. */
  answer?: Answer;
  /** The revision of the switches that were asked. */
  revision: number;
  /** For how long nobody confirmed them, milliseconds. */
  stale_ms: number;
  /** Whether that is longer than is tolerated. */
  too_old: boolean;
}

/** What a context gets of a flag, as OpenFeature clients are answered. */
export type Flag =
  | {
      key: string;
      reason: "STATIC" | "TARGETING_MATCH" | "SPLIT" | "DEFAULT" | "DISABLED";
      variant: string;
      /** Absent where the caller's own default counts. */
      value?: unknown;
      metadata: { [name: string]: string | number | boolean };
    }
  | { key: string; errorCode: "FLAG_NOT_FOUND" | "PROVIDER_NOT_READY"; errorDetails: string };

/** Where the last good switches are kept between lives of a program. */
export interface Cache {
  /** What was kept, and how long ago; null where nothing was. */
  read(): Promise<{ text: string; ageMs: number } | null> | { text: string; ageMs: number } | null;
  write(text: string): Promise<void> | void;
}

export interface Options {
  /** The server, such as "http://127.0.0.1:9797". */
  url: string;
  /** A token with the scope `evaluate`. */
  token?: string;
  /** The server's public key, as `/api/v1/switches/key` shows it; switches that it did not sign are then refused. */
  key?: string;
  /** A file in Node.js, or an object of your own. */
  cache?: string | Cache;
  /** After how long without confirmation what is held counts as too old; for ever by default. */
  maxStaleMs?: number;
  /** What counts then, and where nothing was ever known: `last_good` by default. */
  onUnavailable?: "last_good" | "open" | "closed";
  /** Whether to follow the server's stream of changes; true by default. */
  push?: boolean;
  /** How often to ask where changes are not pushed; else what the switches themselves want. */
  everyMs?: number;
  /** How long `connect` waits for the first switches; 2,000 by default. */
  patienceMs?: number;
  /** What the server calls this client where it lists them. */
  name?: string;
  /** Whether the server may be sent a few of the contexts that are asked, to preview switches with; false by default. */
  sample?: boolean;
  /** Is told what is wrong, once. */
  onProblem?: (why: string) => void;
  /** Is told the revision that is held whenever it changes. */
  onChange?: (revision: number) => void;
}

export interface Status {
  /** 0 while nothing is held. */
  revision: number;
  source: "nothing" | "kept" | "server";
  stale_ms: number;
  too_old: boolean;
  /** Whether the server tells of changes as they happen. */
  pushed: boolean;
  /** Why the last try to refresh failed. */
  problem: string | null;
  /** Why nothing can be kept, or what was kept was refused at the start. */
  cache_problem: string | null;
}

/** Switches of a server, held in this process and kept up to date. */
export class Switches {
  private constructor();
  /** The verdict of a context. Never waits; throws a TypeError where the context is none. */
  evaluate(context: Context): Verdict;
  /** What a context gets of a flag; every switch is one, and `blocked` is all of them. */
  flag(key: string, context: Context): Flag;
  status(): Status;
  /** Stops refreshing; until then Node.js does not end by itself. What is held can still be asked. */
  close(): void;
}

/** Switches that stay as they were given. */
export class GivenSwitches {
  private constructor();
  evaluate(context: Context, nowMs?: number): Verdict;
  flag(key: string, context: Context, nowMs?: number): Flag;
  /** Gives the memory back; use it no more. */
  free(): void;
}

/**
 * Switches of a server. That it does not answer is no error: `status()` says so.
 * Throws a TypeError where an option is wrong.
 */
export function connect(options: Options): Promise<Switches>;

/** Switches that stay as they are given, for tests: a snapshot as the server gives it, or `{ switches: [...] }`. Throws where they are wrong. */
export function given(snapshot: string | { switches: object[] }): Promise<GivenSwitches>;
