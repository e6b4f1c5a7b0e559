// OpenFeature's provider, in process: flags are evaluated here, without a request. For the server SDK and the web SDK.
//
//   import { OpenFeature } from "@openfeature/server-sdk";
//   import { LannerProvider } from "lanner/openfeature";
//   await OpenFeature.setProviderAndWait(new LannerProvider({ url: "http://127.0.0.1:9797" }));

import { connect } from "./index.mjs";

const KINDS = {
  boolean: (value) => typeof value === "boolean",
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  object: (value) => typeof value === "object" && value !== null,
};

export class LannerProvider {
  metadata = { name: "lanner" };
  #options;
  #switches;
  #handlers = new Map();

  /** Takes the options of `connect`, or switches that were made already. */
  constructor(options) {
    if (typeof options?.flag === "function") this.#switches = options;
    else this.#options = options;
    this.runsOn = options?.runsOn;
  }

  async initialize() {
    if (this.#switches) return;
    const onChange = (revision) => {
      this.#options.onChange?.(revision);
      this.#tell("PROVIDER_CONFIGURATION_CHANGED");
    };
    this.#switches = await connect({ ...this.#options, onChange });
    const { source, problem } = this.#switches.status();
    if (source === "nothing") throw new Error(`no kill switches are known yet: ${problem ?? "the server did not answer in time"}`);
  }

  async onClose() {
    if (this.#options) this.#switches?.close();
  }

  /** As the SDKs expect it; they only ask for `addHandler`. */
  events = {
    addHandler: (event, handler) => this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), handler]),
    removeHandler: (event, handler) => this.#handlers.set(event, (this.#handlers.get(event) ?? []).filter((one) => one !== handler)),
    removeAllHandlers: () => this.#handlers.clear(),
    getHandlers: (event) => this.#handlers.get(event) ?? [],
    emit: (event, details) => this.#tell(event, details),
  };

  resolveBooleanEvaluation(key, otherwise, context) {
    return this.#resolve("boolean", key, otherwise, context);
  }

  resolveStringEvaluation(key, otherwise, context) {
    return this.#resolve("string", key, otherwise, context);
  }

  resolveNumberEvaluation(key, otherwise, context) {
    return this.#resolve("number", key, otherwise, context);
  }

  resolveObjectEvaluation(key, otherwise, context) {
    return this.#resolve("object", key, otherwise, context);
  }

  /** The server SDK waits for what it gets, and the web SDK takes it as it is. */
  #resolve(kind, key, otherwise, context) {
    const failed = (errorCode, errorMessage) => ({ value: otherwise, reason: "ERROR", errorCode, errorMessage });
    if (!this.#switches) return failed("PROVIDER_NOT_READY", "the provider is not initialized");
    let flag;
    try {
      flag = this.#switches.flag(key, context ?? {});
    } catch (error) {
      return failed("INVALID_CONTEXT", error.message);
    }
    if (flag.errorCode) return failed(flag.errorCode, flag.errorDetails);
    const { value, variant, reason, metadata: flagMetadata } = flag;
    if (value === undefined) return { value: otherwise, reason, flagMetadata };
    if (!KINDS[kind](value)) return failed("TYPE_MISMATCH", `the flag "${key}" is no ${kind}`);
    return { value, variant, reason, flagMetadata };
  }

  #tell(event, details = {}) {
    for (const handler of this.#handlers.get(event) ?? []) handler({ providerName: this.metadata.name, ...details });
  }
}
