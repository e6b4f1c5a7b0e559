"""What JSON cannot hold is a TypeError that says where, and never the end of the process: python nested.py."""

import collections.abc
import dataclasses
import enum
import threading

import lanner

switches = lanner.Switches({"switches": [{"id": "a", "when": "x == 1"}, {"id": "b", "when": "user.tier == gold"}]})


def refused(context, *parts):
    for call in (switches.evaluate, lambda context: lanner.Switches(context)):
        try:
            call(context)
        except TypeError as error:
            assert all(part in str(error) for part in parts), error
        else:
            raise AssertionError(f"no TypeError: {parts}")


def nested(depth, inner, wrap):
    for _ in range(depth):
        inner = wrap(inner)
    return inner


def in_dict(inner):
    return {"a": inner}


def in_list(inner):
    return [inner]


def in_tuple(inner):
    return (inner,)


class Endless(collections.abc.Mapping):
    """A mapping that holds another one like it."""

    def __getitem__(self, name):
        return Endless()

    def __iter__(self):
        return iter(["a"])

    def __len__(self):
        return 1


class Counting(collections.abc.Sequence):
    """A list that does not end."""

    def __getitem__(self, at):
        return at

    def __len__(self):
        return 1


# It contains itself.
own = {}
own["self"] = own
refused(own, "self contains itself")
own = {"user": {"tags": ["a", {}]}}
own["user"]["tags"][1]["owner"] = own["user"]
refused(own, "user.tags[1].owner contains itself")
own = []
own.append(own)
refused({"x": own}, "x[0] contains itself")

# It is nested too deep.
for wrap in (in_dict, in_list, in_tuple):
    for depth in (127, 1_000, 20_000, 200_000):
        refused({"x": nested(depth, 1, wrap)}, "nested more than 127 deep", "x")
        own = None
refused({"x": Endless()}, "x.a.a", "nested more than 127 deep")
assert switches.evaluate({"x": 1, "deep": nested(126, 1, in_list)}).blocked

# It is small here, and endless written out.
shared = [1]
for _ in range(100):
    shared = [shared, shared]
refused({"x": shared}, "after the first 1000000")
refused({"x": Counting()}, "after the first 1000000")

# It is nothing of JSON.
refused({"user": {"tags": [1, object()]}}, "user.tags[1] is of the type object")
refused({"x": b"1"}, "x is of the type bytes")
refused({"x": int}, "x is of the type")
refused({"x": {1: 2}}, "x has a key that is of the type int")
refused({"x": "\ud800"}, "x holds a text that is not Unicode")
refused({"x": 10**400}, "x is a number that no float can hold")
for context in ([1], "x", 7, None):
    try:
        switches.evaluate(context)
    except TypeError as error:
        assert "mapping" in str(error), error
    else:
        raise AssertionError(context)

# What it holds counts, whatever holds it.


class Tier(str, enum.Enum):
    GOLD = "gold"


@dataclasses.dataclass
class User:
    tier: str
    friends: set


for context in (
    {"x": 1},
    collections.OrderedDict(x=1),
    collections.ChainMap({"x": 1}),
    {"x": True + 0},
    {"x": 1.0, "y": float("nan"), "z": 2**70, "s": {1}, "t": (1, [None, "a"])},
    {"user": {"tier": Tier.GOLD}},
    {"user": User("gold", {"ann"})},
):
    assert switches.evaluate(context).blocked, context
assert not switches.evaluate({"x": 2**70}).blocked

# One that changes meanwhile does no harm.
shared, stop = {"x": 1}, threading.Event()


def change():
    n = 0
    while not stop.is_set():
        n += 1
        shared[str(n % 1_000)] = [n]
        shared.pop(str((n * 7) % 1_000), None)


thread = threading.Thread(target=change)
thread.start()
for _ in range(2_000):
    assert switches.evaluate(shared).blocked
stop.set()
thread.join()
print("all cases hold")
