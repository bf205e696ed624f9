"""Programs of Go that take their chance from the processor's own clock, and how they are kept from it.

Until Go 1.22 each thread of the runtime seeds its random numbers from ``cputicks``, which is RDTSC on x86-64 (runtime,
``mcommoninit``): the order in which a ``select`` looks, the order of a map, timers that are spread. RDTSC knows nothing
of a guest's clock or seed, so no two runs of such a program are alike. A copy whose ``cputicks`` is always 0 differs in
nothing else: the function is for seeds and profiles alone. Source: Go 1.19, src/runtime: proc.go, asm_amd64.s.
"""

from __future__ import annotations

import re
from pathlib import Path

_CPUTICKS = re.compile(
    rb"\x80\x3d....\x01"  # cmpb $1, x86HasRDTSCP
    rb"\x75."  # jne fences
    rb"(?P<rdtscp>\x0f\x01\xf9)"
    rb"\x48\xc1\xe2\x20\x48\x01\xd0\x48\x89\x44\x24\x08\xc3"  # shlq $32, rdx; addq rdx, rax; movq rax, ret; ret
    rb"(?P<mfence>\x0f\xae\xf0)\x0f\xae\xe8(?P<rdtsc>\x0f\x31)\xeb.",  # fences: mfence; lfence; rdtsc; jmp
    re.DOTALL,
)
_ZERO, _NOTHING = b"\x31\xc0\x99", b"\x66\x90"
"""``xorl eax, eax; cltd``: rdx and rax are 0. A two-byte nop."""


def stilled(program: bytes) -> bytes | None:
    """The program with a ``cputicks`` that is always 0; ``None``: it has none that is known here. Pure."""
    found = list(_CPUTICKS.finditer(program))
    if len(found) != 1:
        return None
    changed = bytearray(program)
    for name, code in (("rdtscp", _ZERO), ("mfence", _ZERO), ("rdtsc", _NOTHING)):
        start, end = found[0].span(name)
        changed[start:end] = code
    return bytes(changed)


def without_clock(program: str, folder: Path) -> str:
    """A copy in ``folder`` that asks no clock of the processor's; the program itself where nothing is to be changed."""
    path = Path(program)
    changed = stilled(path.read_bytes())
    if changed is None:
        return program
    copy = folder / path.name
    folder.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(changed)
    copy.chmod(0o755)
    return str(copy)
