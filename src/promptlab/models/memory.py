"""How much memory can still be had."""

from __future__ import annotations

from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def available_bytes() -> int | None:
    """What can be taken without swapping: of the machine, or less where a container has a limit.

    None where the system does not say (outside Linux).
    """
    found = [each for each in (_machine(), _container()) if each is not None]
    return min(found, default=None)


def _machine() -> int | None:
    try:
        text = _MEMINFO.read_text()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    stated = fields.get("MemAvailable")
    return None if stated is None else int(stated.split()[0]) * 1024


def _container() -> int | None:
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        statistics = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    if limit == "max":
        return None
    # Pages of files that were read are given back on demand.
    return max(0, int(limit) - used + int(statistics.get("inactive_file", 0)))
