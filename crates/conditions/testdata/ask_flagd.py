"""Asks flagd's own evaluator about flags; writes what it says.

    git clone https://github.com/open-feature/flagd && mkdir flagd/core/ask && cp ask_flagd.go flagd/core/ask/main.go
    (cd flagd/core && go build -o ../../asked ./ask)
    python3 ask_flagd.py ./asked > flagd.json

The first flags below are our own; the others are put together at random, always the same ones. `ask_flagd.py ./asked 3000 9`
asks about as many random ones, drawn from that seed.
"""

import json
import random
import subprocess
import sys

CONTEXTS = [
    {"targetingKey": "user 1", "email": "ann@example.com", "n": 5, "m": 2.5, "version": "1.9.3", "tags": ["x", "y"], "b": True, "color": "red", "user": {"name": "ann"}},
    {"targetingKey": "user 2", "email": "bob@other.com", "n": 0, "m": -3, "version": "v1.10.0-rc.1", "tags": [], "b": False, "color": "pink", "user": {"name": "bob"}},
    {"targetingKey": "", "email": "", "n": 100, "m": 100, "version": "2", "tags": ["z"], "color": "blue", "user": {"name": ""}},
    {"targetingKey": None, "email": None, "n": None, "m": None, "version": None, "tags": None, "b": None, "color": None, "user": None},
    {"email": "x", "n": 1, "m": 1, "version": "latest", "color": "true", "user": {}},
    {"targetingKey": "5c3d8535-f81a-4478-a6d3-afaa4d51199e", "version": "1.0.0+b", "tags": "xyz", "color": "grey"},
    {"n": 18, "version": "01.0"},
    {},
] + [{"targetingKey": key, "user": {"name": key}, "email": f"{key}@x"} for key in ["ejOoVL", "bY9fO-", "SI7p-", "6LvT0", "ceQdGm", "jon@company.com", "jane@company.com", "Grüße"]]

VARIANTS = {"red": "f00", "blue": "00f", "grey": "888", "true": "t", "false": "f"}
v = lambda name: {"var": name}
HAND = [
    None, {}, "red", {"if": [{"==": [v("email"), "x"]}, "red", "blue"]},
    {"fractional": [["red", 25], ["blue", 25], ["grey", 50]]}, {"fractional": [["red"], ["blue", 1]]}, {"fractional": [["red", 1]]},
    {"fractional": [v("email"), ["red", 50], ["blue", 50]]}, {"fractional": [v("targetingKey"), ["red", 50], ["blue", 50]]},
    {"fractional": [{"cat": [v("$flagd.flagKey"), v("email")]}, ["red", 10], ["blue", 90]]},
    {"fractional": [{"cat": ["seed", v("user.name")]}, ["red", 1], ["blue", 1], ["grey", 1]]},
    {"fractional": [{"cat": [v("user.name"), v("email")]}, ["red", 1], ["blue", 2]]},
    {"fractional": ["fixed", ["red", 1], ["blue", 2]]}, {"fractional": [["red", 0], ["blue", 0]]}, {"fractional": [["red", -5], ["blue", 10]]},
    {"fractional": [["red", 2147483646], ["blue", 1]]}, {"fractional": [[{"if": [{"==": [v("n"), 5]}, "red", "blue"]}, 50], ["grey", 50]]},
    {"fractional": [[v("color"), 50], ["blue", 50]]}, {"if": [{"fractional": [[False, 50], [True, 50]]}, "red", "blue"]},
    {"if": [{"!": {"fractional": [[False, 50], [True, 50]]}}, "red", "blue"]}, {"fractional": [[None, 50], ["red", 50]]},
    {"fractional": [[{"fractional": [v("email"), ["red", 1], ["blue", 1]]}, 50], ["grey", 50]]},
    v("color"), v("n"), v("b"), {"starts_with": [v("email"), "ann"]}, {"ends_with": [v("email"), "com"]},
    {"sem_ver": [v("version"), ">=", "1.9"]}, {"sem_ver": [v("version"), "^", "1.0.0"]}, {"sem_ver": [v("version"), "~", "v1.10.0"]},
    {"!": {"sem_ver": [v("version"), "<", "1.10.0"]}}, {"if": [{"sem_ver": [v("n"), "=", "5.0.0"]}, "red"]},
    {"==": [v("n"), v("m")]}, {"!=": [v("n"), v("m")]}, {"!=": [v("nope"), v("none")]}, {"<": [v("n"), v("m")]}, {"<=": [v("n"), v("m")]},
    {"!": {">": [v("n"), 3]}}, {"<": [0, v("n"), 18]}, {"<": [v("n"), 3]}, {"in": ["x", v("tags")]}, {"!": {"in": ["x", v("tags")]}},
    {"in": [v("color"), ["red", "blue"]]}, {"in": [v("color"), ["red", None]]}, {"!": v("b")}, {"!!": v("email")}, {"==": [v("email"), None]},
    {"if": [{"in": ["@example.com", v("email")]}, {"if": [{"<": [v("n"), 10]}, "red", "blue"]}, {"==": [v("color"), "blue"]}, "grey"]},
]


def generated(n, seed):
    draw = random.Random(seed)
    fields = ["email", "n", "m", "version", "color", "user.name", "targetingKey", "b", "nope"]
    def test(depth):
        kind = draw.randrange(11 if depth else 8)
        if kind == 0: return {draw.choice(["==", "!=", "===", "!=="]): [v(draw.choice(["email", "color", "user.name"])), draw.choice(["red", "ann", "", None])]}
        if kind == 1: return {draw.choice(["<", "<=", ">", ">="]): draw.choice([[v("n"), draw.choice([0, 5, 18, -1, 2.5])], [draw.choice([0, 5]), v("m")]])}
        if kind == 2: return {draw.choice(["starts_with", "ends_with"]): [v(draw.choice(["email", "n", "color"])), draw.choice(["a", "com", ""])]}
        if kind == 3: return {"sem_ver": [v("version"), draw.choice(["=", "!=", "<", "<=", ">", ">=", "~", "^"]), draw.choice(["1.9.3", "v1.10", "2", "1.10.0-rc.1"])]}
        if kind == 4: return {draw.choice(["==", "!=", "<", ">="]): [v("n"), v("m")]}
        if kind == 5: return {"in": [v("color"), draw.sample(["red", "blue", "pink", None], 2)]}
        if kind == 6: return v(draw.choice(fields))
        if kind == 7: return {"in": [draw.choice(["x", "z"]), v("tags")]}
        if kind == 8: return {"!": test(depth - 1)}
        return {draw.choice(["and", "or"]): [test(depth - 1) for _ in range(draw.randrange(1, 4))]}
    def outcome(depth):
        kind = draw.randrange(8 if depth else 4)
        if kind < 3: return draw.choice(["red", "blue", "grey"])
        if kind == 3: return None
        if kind == 4:
            head = draw.choice([[], [v("email")], [{"cat": [v("$flagd.flagKey"), v("user.name")]}], [v("targetingKey")], ["seed"]])
            return {"fractional": head + [[outcome(depth - 1), draw.choice([0, 1, 7, 50, 1000])] for _ in range(draw.randrange(1, 4))]}
        parts = []
        for _ in range(draw.randrange(1, 3)): parts += [test(2), outcome(depth - 1)]
        return {"if": parts + [outcome(depth - 1)] * draw.randrange(2)}
    return [outcome(3) for _ in range(n)]


def main():
    n, seed = (int(word) for word in sys.argv[2:4] or (300, 1))
    flags = {}
    for at, targeting in enumerate(HAND + generated(n, seed)):
        flag = {"state": "ENABLED", "variants": VARIANTS, "targeting": targeting}
        if targeting is None:
            del flag["targeting"]
        if at % 3:
            flag["defaultVariant"] = "grey"
        flags[f"f{at:04}"] = flag
    question = json.dumps({"file": {"flags": flags}, "contexts": CONTEXTS})
    answers = json.loads(subprocess.run(sys.argv[1], input=question, stdout=subprocess.PIPE, text=True, check=True).stdout)
    about = (
        "What flagd itself says (the evaluator of its core, release 0.16.1): the name of the variant that each context gets, "
        "null where the caller's own default counts. The flags are ours."
    )
    lines = lambda items: ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)
    rows = [
        {"default": flag.get("defaultVariant"), "targeting": flag.get("targeting"), "said": answers[key]}
        for key, flag in flags.items()
    ]
    print(f'{{\n"about": {json.dumps(about)},\n"contexts": [\n{lines(CONTEXTS)}\n],\n"flags": [\n{lines(rows)}\n]}}')


if __name__ == "__main__":
    main()
