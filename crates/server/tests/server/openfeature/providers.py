"""Evaluates scenarios through OpenFeature's SDK and its OFREP provider: python providers.py URL SCENARIOS; one answer a line."""

import json
import sys

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

url, scenarios = sys.argv[1:]
api.set_provider(OFREPProvider(url))
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
