import type { GivenSwitches, Options, Switches } from "./index.js";

type Details<T> = { value: T; variant?: string; reason?: string; errorCode?: string; errorMessage?: string; flagMetadata?: Record<string, string | number | boolean> };

/**
 * A provider for `@openfeature/server-sdk` and `@openfeature/web-sdk` that evaluates in process. Every switch is a boolean flag that is
 * true while it blocks, or gives values of its own; `blocked` is all of them.
 */
export class LannerProvider {
  /** Takes the options of `connect`, or switches that were made already. */
  constructor(options: Options | Switches | GivenSwitches);
  readonly metadata: { readonly name: "lanner" };
  /** Rejects where no switches become known. */
  initialize(): Promise<void>;
  onClose(): Promise<void>;
  resolveBooleanEvaluation(key: string, otherwise: boolean, context: object): Details<boolean>;
  resolveStringEvaluation(key: string, otherwise: string, context: object): Details<string>;
  resolveNumberEvaluation(key: string, otherwise: number, context: object): Details<number>;
  resolveObjectEvaluation<T>(key: string, otherwise: T, context: object): Details<T>;
}
