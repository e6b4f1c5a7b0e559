"""Kill switches, decided inside your process."""

from typing import Any, Mapping, Optional, TypedDict

class Answer(TypedDict):
    status: int
    headers: list[list[str]]
    body: Optional[str]

class _Flag(TypedDict):
    key: str
    reason: str
    variant: str
    metadata: dict[str, Any]

class Flag(_Flag, total=False):
    value: Any
    """Absent where the caller's own default counts."""

class Verdict:
    """What the switches say of one context; true when it is blocked."""

    blocked: bool
    """Whether the context is blocked."""
    switches: list[str]
    """The switches that block it, the one that answers first."""
    shadow: list[str]
    """The switches in shadow that would block it."""
    reason: Optional[str]
    """Why it is blocked, for people."""
    answer: Optional[Answer]
    """What a blocked caller answers."""
    revision: int
    """The revision of the switches that were asked."""
    stale_ms: int
    """For how long nobody confirmed them, milliseconds."""
    too_old: bool
    """Whether that is longer than is tolerated."""
    def __bool__(self) -> bool: ...

class Switches:
    """Kill switches: given once, or kept up to date by `connect`."""

    def __init__(self, snapshot: Mapping[str, Any] | str) -> None:
        """Takes a snapshot as the server gives it, or an object with a list `switches`.

        Raises ValueError where it is wrong, TypeError where JSON cannot hold it."""
    @staticmethod
    def connect(
        url: str,
        *,
        token: Optional[str] = None,
        key: Optional[str] = None,
        cache: Optional[str] = None,
        max_stale: Optional[float] = None,
        on_unavailable: str = "last_good",
        push: bool = True,
        every: Optional[float] = None,
        patience: float = 2.0,
    ) -> "Switches":
        """Keeps the switches of a server up to date; durations are seconds. Raises ValueError where an option is wrong.

        That the server does not answer is no error: `status` says so."""
    def evaluate(self, context: Mapping[str, Any], now: Optional[float] = None) -> Verdict:
        """What the switches say of a context: a mapping of what JSON can hold. Never waits.

        `now`, seconds since 1970, counts only for switches that were given. Raises TypeError, with the place, where JSON
        cannot hold the context: it contains itself, is nested more than 127 deep, or holds something that is no JSON."""
    def flag(self, key: str, context: Mapping[str, Any], now: Optional[float] = None) -> Flag:
        """What a context gets of a flag; every switch is one, and `blocked` is all of them. Raises KeyError where there is
        none, or no switches are known yet."""
    def status(self) -> dict[str, Any]:
        """Revision, source, staleness and the last problem."""
