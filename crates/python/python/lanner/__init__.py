"""Kill switches, decided inside your process."""

from ._lanner import Switches, Verdict

__all__ = ["Switches", "Verdict"]
