"""A shop that can be stopped from selling while it runs: python shop.py SERVER PORT

    curl 'localhost:8080/buy?bank=HSBC'
    curl -X PUT localhost:9797/api/v1/switches/block-bank -d '{"when": "bank == HSBC"}'

The switches of the server at SERVER, such as http://127.0.0.1:9797, are asked on every request, without a request to it.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from lanner import Switches

server, port = sys.argv[1:]
switches = Switches.connect(server)


class Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        verdict = switches.evaluate({"path": url.path, **dict(parse_qsl(url.query))})
        answer = verdict.answer or {"status": 200, "headers": [], "body": "sold\n"}
        self.send_response(answer["status"])
        for name, value in answer["headers"]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write((answer["body"] or verdict.reason or "").encode())

    def log_message(self, *_: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", int(port)), Shop).serve_forever()
