"""Evaluates scenarios through OpenFeature's SDK and a provider, OFREP's or ours: python providers.py (remote|process) URL SCENARIOS;
one answer a line."""

import json
import sys

from openfeature import api
from openfeature.evaluation_context import EvaluationContext

kind, url, scenarios = sys.argv[1:]
if kind == "remote":
    from openfeature.contrib.provider.ofrep import OFREPProvider as provider
else:
    from lanner import Switches
    from lanner.openfeature import LannerProvider

    provider = lambda url: LannerProvider(Switches.connect(url))
api.set_provider(provider(url))
client = api.get_client()
evaluate = {
    "boolean": client.get_boolean_details,
    "string": client.get_string_details,
    "integer": client.get_integer_details,
    "float": client.get_float_details,
    "object": client.get_object_details,
}
for case in json.load(open(scenarios))["cases"]:
    context = EvaluationContext(attributes=case["context"])
    details = evaluate[case["kind"]](case["key"], case["default"], context)
    answer = {
        "key": details.flag_key,
        "value": details.value,
        "variant": details.variant,
        "reason": details.reason,
        "error": details.error_code,
        "metadata": dict(details.flag_metadata or {}),
    }
    print(json.dumps(answer))
api.shutdown()
