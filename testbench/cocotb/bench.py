"""What all cases share."""

import os
import random

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Timer, with_timeout

# Icarus is some hundred times slower: it gets every kind, and fewer of each.
SLOW = os.environ.get("IRONWARP_SIMULATOR") == "Icarus"


def few(many, slow):
    """`many` where the simulator is fast, else `slow`."""
    return slow if SLOW else many


def seeded(seed):
    """Random numbers that are the same every time; `SEED` in the environment replays another."""
    seed = int(os.environ.get("SEED", seed))
    return random.Random(seed)


def octets(seed, length):
    """`length` octets."""
    return seeded(seed).randbytes(length)


def start_clock(signal, picoseconds):
    """Starts a clock."""
    return Clock(signal, picoseconds, unit="ps").start()


async def powered():
    """The inputs are settled before the first clock."""
    await Timer(100, "ns")


async def soon(what, microseconds=100):
    """Waits for `what`, and fails if it does not come."""
    return await with_timeout(what, microseconds, "us")


async def idle(clock, cycles):
    """Lets time pass."""
    await ClockCycles(clock, cycles)
