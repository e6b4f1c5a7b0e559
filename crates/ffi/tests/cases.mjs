// Runs the shared cases in the WebAssembly module: node wasm.mjs MODULE CASES
import { readFile } from "node:fs/promises";
import assert from "node:assert";
import { Lanner } from "../wasm/lanner.mjs";

const [module, suite] = process.argv.slice(2);
const lanner = await Lanner.load(readFile(module));
const { switches: documents, cases } = JSON.parse(await readFile(suite, "utf8"));
// A number beyond 2^53 is another one in JavaScript before it gets here.
const isExact = (value) =>
  typeof value === "number" ? !Number.isInteger(value) || Number.isSafeInteger(value) : typeof value !== "object" || value === null || Object.values(value).every(isExact);
const switches = lanner.switches({ switches: documents });
let asked = 0;
for (const { about, context, now_ms = 0, verdict } of cases) {
  if (!isExact(context)) continue;
  const said = switches.evaluate(context, now_ms);
  for (const [name, expected] of Object.entries(verdict)) assert.deepStrictEqual(said[name], expected, `${about}: ${name}`);
  asked += 1;
}
assert.throws(() => switches.evaluate([1]), /not a JSON object/);
assert.throws(() => lanner.switches({ switches: [{ id: "a", when: "x ==" }] }), /switches\[0\]\.when/);
assert.throws(() => lanner.switches("nonsense"), /not JSON/);
// Whatever it is asked, it answers or throws, and goes on.
const nested = (depth, wrap) => {
  let inner = 1;
  for (let n = 0; n < depth; n += 1) inner = wrap(inner);
  return { x: inner };
};
const own = { user: {} };
own.user.self = own;
assert.throws(() => switches.evaluate(own), TypeError);
assert.throws(() => lanner.switches(own), TypeError);
for (const wrap of [(inner) => ({ a: inner }), (inner) => [inner]]) {
  for (const depth of [1000, 20000, 200000]) {
    assert.throws(() => switches.evaluate(nested(depth, wrap)), /deep|recursion limit/);
    assert.throws(() => lanner.switches(nested(depth, wrap)), /deep|recursion limit/);
  }
}
const deep = `{"x":${"[".repeat(200000)}${"]".repeat(200000)}}`;
assert.throws(() => lanner.switches(deep), /recursion limit/);
assert.throws(() => switches.evaluate(undefined), TypeError);
assert.strictEqual(switches.evaluate(nested(100, (inner) => [inner]), 0).blocked, false);
switches.free();
console.log(`${asked} of ${cases.length} cases hold`);
