// Evaluates scenarios through OpenFeature's SDKs and OFREP providers: node providers.mjs (server|web) URL SCENARIOS; one
// answer a line. The packages lie where NODE_PATH says.
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";

const [kind, url, scenarios] = process.argv.slice(2);
const require = createRequire(process.env.NODE_PATH + "/");
const { cases } = JSON.parse(await readFile(scenarios, "utf8"));

const names = { boolean: "Boolean", string: "String", integer: "Number", float: "Number", object: "Object" };
const show = ({ flagKey, value, variant, reason, errorCode, flagMetadata }) =>
  console.log(JSON.stringify({ key: flagKey, value, variant: variant ?? null, reason, error: errorCode ?? null, metadata: flagMetadata ?? {} }));

if (kind === "server") {
  const { OpenFeature } = require("@openfeature/server-sdk");
  const { OFREPProvider } = require("@openfeature/ofrep-provider");
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: url }));
  const client = OpenFeature.getClient();
  for (const { key, kind, default: otherwise, context } of cases) {
    show(await client[`get${names[kind]}Details`](key, otherwise, context));
  }
  await OpenFeature.close();
} else {
  const { OpenFeature } = require("@openfeature/web-sdk");
  const { OFREPWebProvider } = require("@openfeature/ofrep-web-provider");
  await OpenFeature.setProviderAndWait(new OFREPWebProvider({ baseUrl: url, pollInterval: 0 }));
  const client = OpenFeature.getClient();
  for (const { key, kind, default: otherwise, context } of cases) {
    await OpenFeature.setContext(context);
    show(client[`get${names[kind]}Details`](key, otherwise));
  }
  await OpenFeature.close();
}
