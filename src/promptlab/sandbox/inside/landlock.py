"""Landlock: no file can be opened, made or removed, no port bound or reached (Linux 5.13 and later)."""

from __future__ import annotations

import ctypes
import os

from .kernel import checked, libc

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same numbers on every architecture
_VERSION = 1
# How many rights over files each version of the interface knows; a bit each, from the lowest.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NETWORK_SINCE, _TCP_BIND_AND_CONNECT = 4, 0b11
_SCOPES_SINCE, _SOCKETS_AND_SIGNALS = 6, 0b11


def restrict() -> bool:
    """Denies this process and its children all that this kernel's Landlock can deny. False: it has none."""
    if libc is None:
        return False
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    if version < 1:
        return False
    rights = [(1 << _FILE_RIGHTS[min(version, max(_FILE_RIGHTS))]) - 1]
    if version >= _NETWORK_SINCE:
        rights.append(_TCP_BIND_AND_CONNECT)
    if version >= _SCOPES_SINCE:
        rights.append(_SOCKETS_AND_SIGNALS)
    attributes = (ctypes.c_uint64 * len(rights))(*rights)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    ruleset = checked(libc.syscall(_CREATE_RULESET, attributes, size, ctypes.c_uint32(0)), "landlock")
    try:
        checked(libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)), "landlock")
    finally:
        os.close(ruleset)
    return True
