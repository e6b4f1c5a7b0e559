"""Reads OpenFeature's .feature files: python features.py FOLDER; prints cases as in scenarios.json, and to standard error what
is left out, as it asks for more than a provider's answer."""

import json
import pathlib
import re
import sys

from gherkin.parser import Parser
from gherkin.pickles.compiler import Compiler

FILES = ["evaluation.feature", "evaluation_v2.feature", "metadata.feature"]
TEXT = r'"((?:[^"\\]|\\.)*)"'
READ = {
    "boolean": lambda text: text == "true",
    "string": str,
    "integer": int,
    "float": float,
    "object": json.loads,
}


class Left(Exception):
    """The scenario is not about what a provider answers."""


class Scenario:
    """One evaluation, and what it should come to."""

    def __init__(self, about):
        self.case = {"about": about, "context": {}, "expected": {}}
        self.more = []

    def read(self, text):
        return READ[self.case["kind"]](text)

    def flag(self, kind, key, default):
        self.case |= {"kind": kind.lower(), "key": key}
        self.case["default"] = None if default is None else self.read(default)

    def expect(self, **expected):
        self.case["expected"] |= expected

    def value(self, text):
        self.expect(value=self.read(text))

    def default(self):
        self.expect(value=self.case["default"])

    def context(self, key, kind, text):
        self.case["context"][key] = None if kind is None else READ[kind.lower()](text)

    def metadata(self, table):
        rows = [[cell["value"] for cell in row["cells"]] for row in table["rows"][1:]]
        self.expect(metadata={key: READ[kind.lower()](text) for key, kind, text in rows})

    def no_metadata(self):
        self.expect(metadata={})

    def fields(self, names, values):
        self.expect(value=dict(zip(texts(names), values_of(values))))

    def contexts(self, names, values):
        self.case["context"] = dict(zip(texts(names), values_of(values)))

    def without_context(self, text):
        self.more.append(self.case | {"context": {}, "expected": {"value": text}})


def plain(text):
    return text and text.replace('\\"', '"')


def texts(listed):
    return [plain(text) for text in re.findall(TEXT, listed)]


def values_of(listed):
    """Texts in quotation marks and numbers; "true" and "false" are meant as such."""
    words = re.findall(TEXT + r"|(\d+)", listed)
    return [int(number) if number else {"true": True, "false": False}.get(text, text) for text, number in words]


NUMBER = r'"?([^"]*?)"?'
STEPS = [
    (r"a stable provider", lambda s: None),
    (rf"an? (\w+)-flag with key {TEXT} and a fallback value {TEXT}", Scenario.flag),
    (rf"a context containing a key {TEXT}, with type {TEXT} and with value {TEXT}", Scenario.context),
    (rf"a context containing a key {TEXT} with null value", lambda s, key: s.context(key, None, None)),
    (r"the flag was evaluated with details", lambda s: s.expect(error=None)),
    (rf"the resolved details value should be {TEXT}", Scenario.value),
    (rf"the reason should be {TEXT}", lambda s, reason: s.expect(reason=reason)),
    (rf"the error-code should be {TEXT}", lambda s, code: s.expect(error=code)),
    (rf"the variant should be {TEXT}", lambda s, variant: s.expect(variant=variant)),
    (rf"the flag key should be {TEXT}", lambda s, key: s.expect(key=key)),
    (r"the resolved metadata should contain", Scenario.metadata),
    (r"the resolved metadata is empty", Scenario.no_metadata),
    # What evaluation.feature says in longer sentences.
    (rf"an? (\w+) flag with key {TEXT} is evaluated with (?:details and )?default value {NUMBER}", Scenario.flag),
    (rf"an? (\w+) flag with key {TEXT} is evaluated with (?:details and )?a null default value",
     lambda s, kind, key: s.flag(kind, key, None)),
    (rf"the resolved \w+ value should be {NUMBER}", Scenario.value),
    (rf"the resolved \w+ details value should be {NUMBER}, the variant should be {TEXT}, and the reason should be {TEXT}",
     lambda s, value, variant, reason: (s.value(value), s.expect(variant=variant, reason=reason))),
    (r"the resolved object (?:details )?value should be contain fields (.*), with values (.*), respectively", Scenario.fields),
    (rf"the variant should be {TEXT}, and the reason should be {TEXT}",
     lambda s, variant, reason: s.expect(variant=variant, reason=reason)),
    (r"context contains keys (.*) with values (.*)", Scenario.contexts),
    (rf"a flag with key {TEXT} is evaluated with default value {TEXT}", lambda s, *flag: s.flag("string", *flag)),
    (rf"the resolved string response should be {TEXT}", Scenario.value),
    (rf"the resolved flag value is {TEXT} when the context is empty", Scenario.without_context),
    (rf"a non-existent (\w+) flag with key {TEXT} is evaluated with details and a fallback value {TEXT}", Scenario.flag),
    (rf"a string flag with key {TEXT} is evaluated as an integer, with details and a fallback value (\d+)",
     lambda s, *flag: s.flag("integer", *flag)),
    (r"the default \w+ value should be returned", Scenario.default),
    (rf"the reason should indicate an error and the error code should indicate a [\w ]+ with {TEXT}",
     lambda s, code: s.expect(reason="ERROR", error=code)),
]


def step(scenario, words, table):
    for pattern, take in STEPS:
        if found := re.fullmatch(pattern, words):
            arguments = [plain(text) for text in found.groups()]
            return take(scenario, *arguments, *([table] if table else []))
    raise Left(words)


def cases(path):
    document = Parser().parse(path.read_text())
    document["uri"] = path.name
    for pickle in Compiler().compile(document):
        scenario = Scenario(f"{path.name}: {pickle['name']}")
        n_evaluations = 0
        try:
            for each in pickle["steps"]:
                n_evaluations += "evaluated with details" in each["text"]
                if n_evaluations > 1:
                    raise Left("a second evaluation")
                step(scenario, each["text"], each.get("argument", {}).get("dataTable"))
        except Left as left:
            print(f"left out: {scenario.case['about']} ({left})", file=sys.stderr)
        else:
            yield from [scenario.case, *scenario.more]


folder = pathlib.Path(sys.argv[1])
print(json.dumps([case for name in FILES for case in cases(folder / name)], ensure_ascii=False))
