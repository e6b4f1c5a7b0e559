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
assert.throws(() => switches.evaluate([1]), /no JSON object/);
assert.throws(() => lanner.switches({ switches: [{ id: "a", when: "x ==" }] }), /switches\[0\]\.when/);
assert.throws(() => lanner.switches("nonsense"), /no JSON/);
switches.free();
console.log(`${asked} of ${cases.length} cases hold`);
