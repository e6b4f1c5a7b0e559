// Runs the shared cases in the package: node cases.mjs PACKAGE CASES
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import assert from "node:assert";

const [folder, suite] = process.argv.slice(2);
const { connect, given } = await import(pathToFileURL(`${folder}/index.mjs`));
const { switches: documents, cases } = JSON.parse(await readFile(suite, "utf8"));
// A number beyond 2^53 is another one in JavaScript before it gets here.
const isExact = (value) =>
  typeof value === "number" ? !Number.isInteger(value) || Number.isSafeInteger(value) : typeof value !== "object" || value === null || Object.values(value).every(isExact);
const switches = await given({ switches: documents });
let asked = 0;
for (const { about, context, now_ms = 0, verdict } of cases) {
  if (!isExact(context)) continue;
  const said = switches.evaluate(context, now_ms);
  for (const [name, expected] of Object.entries(verdict)) assert.deepStrictEqual(said[name], expected, `${about}: ${name}`);
  asked += 1;
}
const flagged = await given({ switches: [{ id: "a", when: "x == 1" }, { id: "b", when: "x == 1", flag: { on: "new" } }] });
assert.strictEqual(flagged.flag("a", { x: 1 }).value, true);
assert.strictEqual(flagged.flag("blocked", { x: 2 }).value, false);
assert.strictEqual(flagged.flag("b", { x: 1 }).value, "new");
assert.strictEqual(flagged.flag("b", { x: 2 }).value, undefined);
assert.strictEqual(flagged.flag("c", {}).errorCode, "FLAG_NOT_FOUND");
assert.throws(() => switches.evaluate([1]), /not a JSON object/);
await assert.rejects(given({ switches: [{ id: "a", when: "x ==" }] }), /switches\[0\]\.when/);
await assert.rejects(given("nonsense"), /not JSON/);
for (const options of [undefined, {}, { url: "nonsense" }, { url: "ftp://127.0.0.1" }, { url: "127.0.0.1:9797" }]) {
  await assert.rejects(connect(options), /is not the address of a server; write for example http/);
}
await assert.rejects(connect({ url: "http://127.0.0.1:1", cahce: "x" }), /there is no option "cahce"/);
// Whatever it is asked, it answers or throws, and goes on.
const nested = (depth, wrap) => {
  let inner = 1;
  for (let n = 0; n < depth; n += 1) inner = wrap(inner);
  return { x: inner };
};
const own = { user: {} };
own.user.self = own;
assert.throws(() => switches.evaluate(own), TypeError);
await assert.rejects(given(own), TypeError);
for (const wrap of [(inner) => ({ a: inner }), (inner) => [inner]]) {
  for (const depth of [1000, 20000, 200000]) {
    assert.throws(() => switches.evaluate(nested(depth, wrap)), /deep|recursion limit/);
    await assert.rejects(given(nested(depth, wrap)), /deep|recursion limit/);
  }
}
const deep = `{"x":${"[".repeat(200000)}${"]".repeat(200000)}}`;
await assert.rejects(given(deep), /recursion limit/);
assert.throws(() => switches.evaluate(undefined), TypeError);
assert.strictEqual(switches.evaluate(nested(100, (inner) => [inner]), 0).blocked, false);
switches.free();
console.log(`${asked} of ${cases.length} cases hold`);
