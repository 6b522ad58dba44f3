"""Raw Ethernet frames through queue pair 0, against cocotbext-pcie's root complex."""

import itertools

import cocotb
from bench import few, idle, octets
from cocotbext.pcie.core.tlp import TlpType
from device import *

WRITES = {TlpType.MEM_WRITE, TlpType.MEM_WRITE_64}
READS = {TlpType.MEM_READ, TlpType.MEM_READ_64}


def frame(length, seed=1, to=b"\x02\x00\x00\x00\x00\x09"):
    """A frame that no hardware connection owns."""
    return to + STATION + b"\x88\xb5" + octets(seed, length - 14)


def incoming(length, seed=1, to=STATION):
    """The same, for the RNIC."""
    return to + b"\x02\x00\x00\x00\x00\x09" + b"\x88\xb5" + octets(seed, length - 14)


@cocotb.test()
async def frames_of_every_length_leave(dut):
    """docs/registers.md, raw frames; PCIe 2.2.7: payload is read at every offset and length"""
    host = await (await Host().start(dut)).open()
    for number in range(few(24, 6)):
        length = 60 + number
        await host.send(frame(length, number), BUFFERS + 128 * number + number % 8)
    host.sound()


@cocotb.test()
async def long_frames_leave(dut):
    """PCIe 2.2.2, 2.2.7: no read exceeds the maximum read request size or crosses 4 KiB"""
    for read in few([0, 1, 2], [0]):
        host = await (await Host().start(dut, read=read)).open()
        await host.send(frame(few(9014, 1514)), BUFFERS + 0xFF3)
        for tlp in host.card.seen:
            if tlp.fmt_type in READS:
                assert tlp.length * 4 <= 128 << read, tlp
                assert tlp.address % 4096 + tlp.length * 4 <= 4096, tlp
        host.sound()


@cocotb.test()
async def frames_of_every_length_land(dut):
    """PCIe 2.2.5, 2.2.2: payload is written at every offset and length, and not beside it"""
    host = await (await Host().start(dut)).open()
    for number in range(few(24, 6)):
        await host.receive(incoming(60 + number, number), BUFFERS + 256 + number % 8, 200)
    host.sound()


@cocotb.test()
async def long_frames_land(dut):
    """PCIe 2.2.2: no write exceeds the maximum payload size or crosses 4 KiB"""
    for payload in few([0, 1, 2], [0]):
        host = await (await Host().start(dut, payload=payload)).open()
        await host.receive(incoming(few(9014, 1514)), BUFFERS + 0xFC5, few(9100, 1600))
        for tlp in host.card.seen:
            if tlp.fmt_type in WRITES:
                assert tlp.length * 4 <= 128 << payload, tlp
                assert tlp.address % 4096 + tlp.length * 4 <= 4096, tlp
        host.sound()


@cocotb.test()
async def payload_before_completion(dut):
    """PCIe 2.4.1: the completion entry is behind the payload that it tells of"""
    host = await (await Host().start(dut)).open()
    host.card.seen.clear()
    await host.receive(incoming(700), BUFFERS + 256, 800)
    at = [tlp.address - host.address for tlp in host.card.seen if tlp.fmt_type in WRITES]
    payload = [n for n, address in enumerate(at) if address >= BUFFERS]
    entry = [n for n, address in enumerate(at) if RING <= address < MESSAGES]
    assert payload and entry and max(payload) < min(entry), at


@cocotb.test()
async def interrupt_behind_the_entry(dut):
    """PCIe 6.1.4, 2.4.1: an armed queue sends its MSI-X message, behind the entry"""
    host = await (await Host().start(dut)).open()
    host.arm()
    host.card.seen.clear()
    await host.send(frame(64))
    await idle(dut.clock, 60)
    message = bytes(host.memory[MESSAGES + 16:MESSAGES + 20])
    assert int.from_bytes(message, "little") == 0xC0FFEE01
    at = [tlp.address - host.address for tlp in host.card.seen if tlp.fmt_type in WRITES]
    assert at.index(MESSAGES + 16) > max(n for n, a in enumerate(at) if RING <= a < MESSAGES)
    host.sound()


@cocotb.test()
async def masked_vector_waits(dut):
    """PCIe 6.1.4.2, 7.7.2: a masked vector sets its pending bit, and is sent when unmasked"""
    host = await (await Host().start(dut)).open()
    host.card.write(MSIX_TABLE + 16 + 12, 1)
    host.arm()
    await host.send(frame(64))
    await idle(dut.clock, 60)
    assert bytes(host.memory[MESSAGES + 16:MESSAGES + 20]) == bytes(4)
    assert await host.card.read(MSIX_PENDING) == 2
    host.card.write(MSIX_TABLE + 16 + 12, 0)
    await idle(dut.clock, 120)
    message = bytes(host.memory[MESSAGES + 16:MESSAGES + 20])
    assert int.from_bytes(message, "little") == 0xC0FFEE01
    assert await host.card.read(MSIX_PENDING) == 0


@cocotb.test()
async def broadcast_and_multicast_land(dut):
    """802.3 3.2.3, RFC 1112 6.4: frames to groups come to the host"""
    host = await (await Host().start(dut)).open()
    for to in [b"\xff" * 6, bytes.fromhex("01005e000001")]:
        await host.receive(incoming(64, to=to), BUFFERS + 256, 128)


@cocotb.test()
async def foreign_frames_are_dropped(dut):
    """802.3 4.2.4.1.1: frames to another station do not come to the host, and are counted"""
    host = await (await Host().start(dut)).open()
    host.arrives(incoming(64, to=bytes.fromhex("02aabbcc0002")))
    await host.receive(incoming(65), BUFFERS + 256, 128)
    assert await host.card.read(FRAMES_FOREIGN) == 1


@cocotb.test()
async def bad_frames_are_dropped(dut):
    """802.3 4.2.4.1.2: a frame that the MAC found damaged has no effect, and is counted"""
    host = await (await Host().start(dut)).open()
    host.arrives(incoming(64), bad=True)
    await host.receive(incoming(65), BUFFERS + 256, 128)
    assert await host.card.read(FRAMES_BAD) == 1


@cocotb.test()
async def no_buffer(dut):
    """docs/registers.md, COUNT_RAW_NO_BUFFER: a frame without a buffer is dropped and counted"""
    host = await (await Host().start(dut)).open()
    host.arrives(incoming(64))
    await idle(dut.clock, 100)
    assert await host.card.read(RAW_NO_BUFFER) == 1
    await host.receive(incoming(65), BUFFERS + 256, 128)


@cocotb.test()
async def frames_wait_for_a_slow_host(dut):
    """PCIe 2.6.1: what the host does not take waits, and nothing is lost or changed"""
    pattern = itertools.cycle([True, True, False, True, False])
    host = await (await Host().start(dut, refuse=pattern)).open()
    for number in range(few(6, 2)):
        await host.receive(incoming(300 + number, number), BUFFERS + 256 + number, 512)
        await host.send(frame(200 + number, number), BUFFERS + 4096)
    host.sound()


@cocotb.test()
async def frames_wait_for_a_slow_line(dut):
    """802.3 4.2.3.1, AXI4-Stream 2.2: frames leave whole and in order through a slow MAC"""
    host = await (await Host().start(dut)).open()
    host.wire_out.set_pause_generator(itertools.cycle([True, False, True, True, False]))
    count = few(8, 3)
    sent = [frame(100 + 13 * number, number) for number in range(count)]
    for number, octets_ in enumerate(sent):
        offset = BUFFERS + 512 * number
        host.memory[offset:offset + len(octets_)] = octets_
        host.post_send(offset, len(octets_))
    host.ring_send()
    for octets_ in sent:
        await host.leaves(octets_)
    for number, octets_ in enumerate(sent):
        assert await host.completion() == (KIND_SEND, SUCCESS, len(octets_), number)


@cocotb.test()
async def reset_in_the_middle(dut):
    """PCIe 6.6.2: after a function-level reset in the middle of work the device is as new"""
    host = await (await Host().start(dut)).open()
    host.memory[BUFFERS:BUFFERS + 1500] = frame(1500)
    host.post_send(BUFFERS, 1500)
    host.ring_send()
    await idle(dut.clock, 60)
    host.card.change = lambda tlp: []
    dut.reset.value = 1
    await idle(dut.clock, 2)
    dut.reset.value = 0
    await idle(dut.clock, 400)
    host.card.change = None
    assert not await host.active()
    while not host.wire_out.empty():
        host.wire_out.recv_nowait()
    host.sent = host.posted = host.consumed = 0
    await host.open()
    await host.send(frame(90))
