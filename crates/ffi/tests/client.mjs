// A client that is told what to do, a JSON object a line, and answers each with one: node client.mjs PACKAGE
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { connect } = await import(pathToFileURL(`${process.argv[2]}/index.mjs`));
const clients = new Map();
const named = { max_stale_ms: "maxStaleMs", every_ms: "everyMs", patience_ms: "patienceMs", on_unavailable: "onUnavailable" };

const answer = async ({ client: name, connect: options, evaluate: context, close }) => {
  if (options) {
    const ours = Object.fromEntries(Object.entries(options).map(([key, value]) => [named[key] ?? key, value]));
    clients.set(name, await connect(ours));
  }
  const client = clients.get(name);
  if (close) {
    client.close();
    return {};
  }
  if (context) {
    const { blocked, stale_ms } = client.evaluate(context);
    return { blocked, stale_ms };
  }
  const { revision, source, problem, pushed } = client.status();
  return { revision, kept: source === "kept", problem, pushed };
};

for await (const line of createInterface({ input: process.stdin })) {
  const said = await answer(JSON.parse(line)).catch((error) => ({ error: `${error.name}: ${error.message}` }));
  console.log(JSON.stringify(said));
}
for (const client of clients.values()) client.close();
