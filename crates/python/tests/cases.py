"""Runs the shared cases in Python: python cases.py CASES; the module `lanner` is in the path."""

import json
import sys

import lanner


def raises(kind, call, part):
    try:
        call()
    except kind as error:
        assert part in str(error), error
    else:
        raise AssertionError(f"no {kind.__name__}: {part}")


suite = json.load(open(sys.argv[1]))
switches = lanner.Switches({"switches": suite["switches"]})
for case in suite["cases"]:
    verdict = switches.evaluate(case["context"], case.get("now_ms", 0) / 1000)
    expected = case["verdict"]
    for name, value in expected.items():
        assert getattr(verdict, name) == value, (case["about"], name, getattr(verdict, name))
    assert bool(verdict) == expected["blocked"], case["about"]
    if not verdict:
        assert verdict.reason is None and verdict.answer is None

given = lanner.Switches({"switches": [{"id": "a", "when": "x == 1"}, {"id": "b", "when": "x == 1", "flag": {"on": "new"}}]})
assert given.flag("a", {"x": 1})["value"] is True and given.flag("blocked", {"x": 2})["value"] is False
assert given.flag("b", {"x": 1})["value"] == "new" and "value" not in given.flag("b", {"x": 2})
raises(KeyError, lambda: given.flag("c", {}), "no switch")
raises(TypeError, lambda: switches.evaluate([1]), "JSON")
raises(TypeError, lambda: switches.evaluate({"a": object()}), "JSON")
raises(ValueError, lambda: lanner.Switches({"switches": [{"id": "a", "when": "x =="}]}), "switches[0].when")
raises(ValueError, lambda: lanner.Switches("nonsense"), "snapshot")
raises(ValueError, lambda: lanner.Switches.connect("http://127.0.0.1:1", max_stale=-1), "max_stale")
raises(ValueError, lambda: lanner.Switches.connect("nonsense"), "address")
alone = lanner.Switches.connect("http://127.0.0.1:1", patience=0.05, on_unavailable="closed")
assert alone.evaluate({}).blocked and alone.status()["source"] == "nothing" and alone.status()["problem"]
raises(KeyError, lambda: alone.flag("a", {}), "no kill switches")
print(f"{len(suite['cases'])} cases hold")
