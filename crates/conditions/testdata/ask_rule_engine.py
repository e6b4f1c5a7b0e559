"""Asks the Python package rule-engine about rules; writes what it says.

    for release in 3.4.0 5.1.0; do
        python3 -m venv env-$release && env-$release/bin/pip install rule-engine==$release
        env-$release/bin/python ask_rule_engine.py > rule_engine-$release.json
    done

The rules below are our own; the others are put together at random, always the same ones. `ask_rule_engine.py 5000 1` asks
about as many random ones, drawn from that seed.
"""

import json
import random
import sys

import rule_engine

CONTEXTS = [
    {"A": "hsbc", "B": "ing", "N": 5, "M": 2.5, "T": True, "L": ["x", "hsbc", 5], "O": {"k": "v", "n": 7}, "Z": None,
     "U": {"a": {"b": 5}}, "I": 9007199254740993},
    {"A": "", "B": "hsbc", "N": 0, "M": 5, "T": False, "L": [], "O": {}, "Z": 1, "U": None, "I": 9007199254740992},
    {"A": "a.b", "B": "Ä", "N": -3, "M": 1e300, "L": ["", None, True], "O": {"k": None, "n": "7"}, "U": {}, "I": -9007199254740993},
    {"A": 5, "B": None, "N": "5", "T": "true", "L": "xyz", "O": {"k": {"d": 1}}, "U": {"a": None}, "I": 18446744073709551615},
    {"A": True, "L": [[1], None], "O": {"k": 5}, "U": {"a": {}}, "Z": 0},
    {"A": "ing", "N": 2.5, "O": None, "L": None, "U": "text", "Z": None},
    {},
]

RULES = r'''
A == "hsbc"
"hsbc" == A
A != 'hsbc' and N == 5
not A == "hsbc" or N > 1
not (A == "hsbc" or N > 1)
A == B
A != B
N < M
5 <= N
5 > N
-3 == N
N == - 3
N == 5.0
N == 5.
N == 0x5
N == 0b101
N == 0o5
N == 05
N == 00
N == 5e0
N == .5e1
N == 9007199254740993
N < 99999999999999999999999
N == inf
A in ["hsbc", "ing"]
A in ["hsbc"]
A in ["hsbc",]
A in []
A in [,]
A not in ["hsbc", "ing"]
not A in ["hsbc"]
N in [4, 5, "5"]
A in [B, "hsbc"]
"x" in L
5 in L
"x" not in L
A in L
A not in L
"k" in O
"q" in O
"s" in A
"s" in "hsbc"
"hsbc" in [A, B]
A in "hsbc ing"
A in (1, 2)
A in null
A =~ "hs"
A =~ "sb"
A =~~ "sb"
A !~ "hs"
A !~~ "sb"
A =~ "H.*(bc|in)"
A =~ "(?i)HS"
A =~ B
A =~ 5
A =~ "(a"
A =~ "(a)\1"
A =~ "a(?=b)"
A =~ "[[a]"
A =~~ "[a&&b]"
A =~~ "\<h"
A =~~ "h$"
A =~~ "\d"
A =~ "\w+"
A =~~ "a\.b"
O.k == "v"
O["k"] == "v"
O&.k == "v"
O&["k"] == "v"
O.k.d == 1
O["n"] > 5
L[0] == "x"
L[2] == 5
L[-1] == 5
L[N] == 5
L[0:1]
L[:]
L.length == 3
A.length >= 4
O.length == 2
A.is_empty
not L.is_empty
L.is_empty == false
A.as_lower == "hsbc"
N.to_str == "5"
N + 1 == 6
-N == 3
N * 2 > M / 3
N ** 2 == 25
N & 1
A and N
A or N
not A
Z
Z == null
null == Z
Z != null
A == null
T
T == true
true == T
T != false
T > false
N == true
(A == "hsbc") == true
(A == "hsbc") != (N == 5)
A == "hsbc" == true
A < B < "z"
A < "z"
A >= ""
A > null
true
false
null
"text"
""
5
0
[]
["x"]
5 == 5
"5" == 5
"a" < "b"
5 < "b"
N == 5 ? true : false
N == 5 ? A == "hsbc" : B == "hsbc"
N == 5 and A ? T : not T
A == "h\x73bc"
A == "\150sbc"
A == "\u0068sbc"
A == "\N{LATIN SMALL LETTER H}sbc"
A == "hs\
bc"
A == s"hsbc"
A == 'hs"bc'
A == "a\.b"
A == "unclosed
B == "Ä"
A == hsbc
$now
$today > d"2026-01-01"
[x for x in L if x == "x"]
[x for x in L]
{"x"} == L
{"x": 1}
{}
A == "hsbc" AND N == 5
A == "hsbc" && N == 5
A == "hsbc" || N == 5
A = "hsbc"
A <> "hsbc"
!A
A contains "h"
A startswith "h"
A exists
A # comment
A; B
A and
and A
(A
A)
A . length
A.length.length
A (B)
elif == 1
for == 1
if
in
N==5and(A)
N==5 or(A)
not(A)
not not A
not A not in ["x"]
A not "x"
A not in
A in L in L
A == "10.0.0.0/8"
A in ["10.0.0.0/8", "x"]
A == "::1"
A == [1, 2]
A == ["hsbc"]
L == L
A + "x" == "hsbcx"
A == "x" or N == 5 and M > 2 or not T
(A == "x" or N == 5) and (M > 2 or not T)
((((A))))
"abc".length == 3
5.length
d"2026-12-01" < d"2026-12-02"
d"noon"
A == d"2026-12-01"
U&.a == null
U&.a != null
U&.a
not U&.a
U&.a == 5
U&.a != 5
U&.a < 5
U&.a in [5, null]
U&.a in [5, 6]
U&.a not in [5, 6]
U&.a in L
"b" in U&.a
U&.a.b == 5
U&.a.b == null
U.a&.b == null
U.a&.b == 5
U&.a&.b == null
U&.a&.b != null
U&.a&.b
U&["a"] == null
U&["a"] != null
U&["a"]
U&["a"]["b"] == null
U&["a"]&["b"] == null
U&["a"]&["b"] != 5
U["a"]&["b"] == null
U["a"]&.b == null
U&.length == null
U&.is_empty
O&.k == U&.a
O&.k != U&.a
Z == U&.a
U&.a == Z
L&[0] == null
L&[7] == null
L&[0] != "x"
Q&.a == null
Q&["a"] == null
I == 9007199254740993
I == 9007199254740992
I == 9007199254740992.0
I == 9007199254740993.0
I != 9007199254740993
I < 9007199254740993
I in [9007199254740993, 5]
I == -9007199254740993
I == - 9007199254740993
I == 18446744073709551615
I == 18446744073709551616
I > 18446744073709551614
I == 0x20000000000001
M == 2.50
M == 0.1000000000000000055511151231257827
M == 1e300
M < 1.7976931348623157e308
A and T ? N == 5 : N == 0
A == "hsbc" or T ? Z : N
not A ? T : N
T ? A : N == 5 ? T : Z
A == "x" ? T : not T or N
(A and T) ? N == 5 : N == 0
T == N > 1
true == N > 1
N > 1 == true
false != A =~ "h"
true == A in ["hsbc"]
A == B == true
N < M < 5
A == "hsbc" # a comment
A == "a # b"
# all of it
A == r"hsbc"
A == r"a\.b"
A =~ r"\w+"
A == b"hsbc"
A == t"PT1H"
A ?? B
A ?? B == "ing"
A.starts_with("h")
A.starts_with == 1
A in ["hsbc"] and T
N & 4 == 4
N - 1 < 5
A not in ["x"] == true
true == A not in ["x"]
'''


def random_rules(n, seed):
    """Rules that condition languages have in common, and some that they do not."""
    draw = random.Random(seed)
    fields = ["A", "B", "N", "M", "T", "L", "O", "Z", "O.k", "O.n", 'O["k"]', "L[0]", "L.length", "Q",
              "U&.a", "U.a", "U&.a&.b", 'U&["a"]', "O&.k", "L&[0]", "I"]
    literals = ['"hsbc"', '"ing"', '""', '"a.b"', '"5"', "'Ä'", "5", "0", "2.5", "-3", "5.0", "true", "false", "null", '"x"', '"k"', "7",
                "9007199254740993", "-9007199254740993"]
    patterns = ['"hs"', '"sb"', '".*"', '"^a"', '"[a-h]+"', '"c$"', '"(?i)ING"', '"\\d"']

    def test():
        kind = draw.randrange(10)
        field = draw.choice(fields)
        if kind < 3:
            return f"{field} {draw.choice(['==', '!='])} {draw.choice(literals)}"
        if kind == 3:
            return f"{field} {draw.choice(['<', '<=', '>', '>='])} {draw.choice(literals + fields)}"
        if kind == 4:
            items = ", ".join(draw.choice(literals) for _ in range(draw.randrange(4)))
            return f"{field} {draw.choice(['in', 'not in'])} [{items}]"
        if kind == 5:
            return f"{draw.choice(literals)} {draw.choice(['in', 'not in', '==', '<'])} {field}"
        if kind == 6:
            return f"{field} {draw.choice(['=~', '=~~', '!~', '!~~'])} {draw.choice(patterns)}"
        if kind == 7:
            return f"{field} {draw.choice(['==', '!=', 'in'])} {draw.choice(fields)}"
        if kind == 8:
            return f"{draw.choice(literals)} {draw.choice(['==', 'and', 'or'])} {draw.choice(literals)}"
        return field

    def rule(depth):
        kind = draw.randrange(6) if depth else 5
        if kind == 0:
            return f"not {rule(depth - 1)}"
        if kind == 1:
            return f"({rule(depth - 1)})"
        if kind == 2:
            return f"{rule(depth - 1)} ? {rule(depth - 1)} : {rule(depth - 1)}"
        if kind < 5:
            return f"{rule(depth - 1)} {draw.choice(['and', 'or'])} {rule(depth - 1)}"
        return test()

    return [rule(draw.choice([0, 0, 1, 2, 3])) for _ in range(n)]


def verdicts(text):
    """`true`, `false` or `error` for each context; nothing where the rule is refused."""
    try:
        rule = rule_engine.Rule(text, context=rule_engine.Context(resolver=rule_engine.resolve_item))
    except Exception:
        return None
    said = []
    for context in CONTEXTS:
        try:
            said.append("true" if rule.matches(context) else "false")
        except Exception:
            said.append("error")
    return said


def main():
    hand = [line for line in RULES.replace("\\\n", "\\\0").split("\n") if line]
    hand = [line.replace("\\\0", "\\\n") for line in hand]
    n, seed = (int(word) for word in sys.argv[1:3] or (600, 7))
    rows = [[text, verdicts(text)] for text in hand + random_rules(n, seed)]
    print("{")
    print(f'"package": "rule-engine {rule_engine.__version__}",')
    print(f'"contexts": {json.dumps(CONTEXTS)},')
    print('"rules": [')
    print(",\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    print("]}")


if __name__ == "__main__":
    main()
