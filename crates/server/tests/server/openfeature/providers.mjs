// Evaluates scenarios through OpenFeature's SDKs and a provider: node providers.mjs (server|web) URL SCENARIOS; one answer a
// line. The packages lie where NODE_PATH says. The provider is OFREP's, or ours where LANNER_PACKAGE says where it lies.
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [kind, url, scenarios] = process.argv.slice(2);
const require = createRequire(process.env.NODE_PATH + "/");
const { cases } = JSON.parse(await readFile(scenarios, "utf8"));

const ours = process.env.LANNER_PACKAGE && (await import(pathToFileURL(`${process.env.LANNER_PACKAGE}/openfeature.mjs`))).LannerProvider;

const names = { boolean: "Boolean", string: "String", integer: "Number", float: "Number", object: "Object" };
const show = ({ flagKey, value, variant, reason, errorCode, flagMetadata }) =>
  console.log(JSON.stringify({ key: flagKey, value, variant: variant ?? null, reason, error: errorCode ?? null, metadata: flagMetadata ?? {} }));

if (kind === "server") {
  const { OpenFeature } = require("@openfeature/server-sdk");
  const theirs = () => new (require("@openfeature/ofrep-provider").OFREPProvider)({ baseUrl: url });
  await OpenFeature.setProviderAndWait(ours ? new ours({ url }) : theirs());
  const client = OpenFeature.getClient();
  for (const { key, kind, default: otherwise, context } of cases) {
    show(await client[`get${names[kind]}Details`](key, otherwise, context));
  }
  await OpenFeature.close();
} else {
  const { OpenFeature } = require("@openfeature/web-sdk");
  const theirs = () => new (require("@openfeature/ofrep-web-provider").OFREPWebProvider)({ baseUrl: url, pollInterval: 0 });
  await OpenFeature.setProviderAndWait(ours ? new ours({ url }) : theirs());
  const client = OpenFeature.getClient();
  for (const { key, kind, default: otherwise, context } of cases) {
    await OpenFeature.setContext(context);
    show(client[`get${names[kind]}Details`](key, otherwise));
  }
  await OpenFeature.close();
}
