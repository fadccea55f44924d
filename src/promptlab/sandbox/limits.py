"""What a program may use."""

from __future__ import annotations

from dataclasses import dataclass

_LEAST_MEMORY_MB = 128  # the interpreter itself needs half of it


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Ceilings for one program.

    `cpu_s` are whole seconds of its own computing, the same on a busy machine; `wall_s` seconds by the clock,
    which end one that sleeps. `memory_mb` is address space in MiB, the interpreter included (about 60);
    `output_bytes` holds for what it prints and for its value.
    """

    cpu_s: int = 5
    wall_s: float = 20.0
    memory_mb: int = 512
    output_bytes: int = 65_536

    def __post_init__(self) -> None:
        """ValueError for limits under which nothing could run."""
        if self.cpu_s < 1 or self.wall_s <= 0 or self.output_bytes < 1:
            raise ValueError("cpu_s, wall_s and output_bytes must be positive")
        if self.memory_mb < _LEAST_MEMORY_MB:
            raise ValueError(f"memory_mb is {self.memory_mb}: the interpreter needs {_LEAST_MEMORY_MB}")
