// A shop that can be stopped from selling while it runs: node shop.mjs SERVER PORT
//
//   curl 'localhost:8080/buy?bank=HSBC'
//   curl -X PUT localhost:9797/api/v1/switches/block-bank -d '{"when": "bank == HSBC"}'
//
// The switches of the server at SERVER, such as http://127.0.0.1:9797, are asked on every request, without a request to it.
import { createServer } from "node:http";
import { connect } from "lanner";

const [server, port] = process.argv.slice(2);
const switches = await connect({ url: server });

const shop = createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  const verdict = switches.evaluate({ path: url.pathname, ...Object.fromEntries(url.searchParams) });
  const { status, headers, body } = verdict.answer ?? { status: 200, headers: [], body: "sold\n" };
  response.writeHead(status, Object.fromEntries(headers));
  response.end(body ?? verdict.reason);
});
shop.listen(Number(port), "127.0.0.1");
