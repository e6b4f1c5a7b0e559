"""A client that is told what to do, a JSON object a line, and answers each with one: python client.py."""

import json
import sys

import lanner

clients = {}


def connect(name, options):
    seconds = {f"{it}_ms": it for it in ("max_stale", "every", "patience")}
    options = {seconds.get(key, key): value / 1000 if key in seconds else value for key, value in options.items()}
    clients[name] = lanner.Switches.connect(options.pop("url"), **options)


def answer(question):
    name = question["client"]
    if "connect" in question:
        connect(name, question["connect"])
    if "close" in question:
        del clients[name]
        return {}
    if "evaluate" in question:
        verdict = clients[name].evaluate(question["evaluate"])
        return {"blocked": verdict.blocked, "stale_ms": verdict.stale_ms}
    status = clients[name].status()
    return {"revision": status["revision"], "kept": status["source"] == "disk", "problem": status["problem"], "pushed": status["pushed"]}


for line in sys.stdin:
    try:
        said = answer(json.loads(line))
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
