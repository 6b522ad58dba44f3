"""Accesses to BAR 0 and every other request that a host can make of the RNIC."""

import cocotb
from bench import few, idle, seeded, soon
from cocotbext.pcie.core.tlp import CplStatus, Tlp, TlpAttr, TlpTc, TlpType
from cocotbext.pcie.core.utils import PcieId
from device import *
from link import request

MAGIC = 0x49574152


async def idle_host(dut):
    """A host that has done nothing to the RNIC yet."""
    host = await Host().start(dut)
    assert await soon(host.card.read(DEVICE)) != 0
    return host


async def refused(host, tlp, kind=TlpType.CPL):
    """The request is answered with Unsupported Request."""
    tlp.tc, tlp.attr = TlpTc.TC3, TlpAttr.RO
    answer = await soon(host.card.ask(tlp), 20)
    assert answer.fmt_type == kind, answer
    assert answer.status == CplStatus.UR, answer
    assert answer.requester_id == tlp.requester_id and answer.tag == tlp.tag
    assert answer.tc == TlpTc.TC3 and answer.attr == TlpAttr.RO
    assert answer.completer_id == host.card.function.pcie_id
    # The device goes on.
    assert await soon(host.card.read(VERSION)) != 0


@cocotb.test()
async def foreign_root_complex_reads_and_writes(dut):
    """PCIe 2.2.7, 2.2.9: cocotbext-pcie's own BAR accesses, over its link, read what they wrote"""
    host = await idle_host(dut)
    for value in [0x1234, 0x00FF]:
        await host.bar.write(TIME_BASE, value.to_bytes(4, "little"))
        assert int.from_bytes(await host.bar.read(TIME_BASE, 4), "little") == value
    assert await host.unexpected() == 0
    host.sound()


@cocotb.test()
async def addresses_of_both_widths(dut):
    """PCIe 2.2.4.1: requests with 3 and with 4 double words of header"""
    host = await idle_host(dut)
    for wide in [False, True]:
        value = 0x0123 + wide
        host.card.write(TIME_BASE, value, wide=wide)
        kind = TlpType.MEM_READ_64 if wide else TlpType.MEM_READ
        answer = await soon(host.card.ask(request(kind, TIME_BASE, wide=wide)))
        assert int.from_bytes(answer.data, "little") == value


@cocotb.test()
async def reads_with_all_byte_enables(dut):
    """PCIe 2.2.5, 2.3.1.1 table 2-39, 2.2.9: byte count and lower address of every byte enable"""
    host = await idle_host(dut)
    host.card.write(MAC_LOW, 0x89ABCDEF)
    for enables in range(16):
        asked = request(TlpType.MEM_READ, MAC_LOW, enables)
        answer = await soon(host.card.ask(asked))
        lanes = [lane for lane in range(4) if enables >> lane & 1]
        count = lanes[-1] - lanes[0] + 1 if lanes else 1
        assert answer.fmt_type == TlpType.CPL_DATA and answer.status == CplStatus.SC
        assert answer.byte_count == count, (enables, answer)
        assert answer.lower_address == MAC_LOW & 0x7C | (lanes[0] if lanes else 0)
        for lane in lanes:
            assert answer.data[lane] == 0x89ABCDEF.to_bytes(4, "little")[lane]


@cocotb.test()
async def completions_carry_the_request(dut):
    """PCIe 2.2.9: requester, tag, traffic class and attributes come back"""
    host = await idle_host(dut)
    random = seeded(1)
    for _ in range(few(20, 5)):
        asked = request(TlpType.MEM_READ, DEVICE)
        asked.tc = TlpTc(random.randrange(8))
        asked.attr = TlpAttr(random.randrange(4))
        asked.requester_id = PcieId(random.randrange(256), random.randrange(32), 0)
        answer = await soon(host.card.ask(asked))
        assert (answer.tc, answer.attr) == (asked.tc, asked.attr)
        assert answer.requester_id == asked.requester_id
        assert answer.completer_id == host.card.function.pcie_id


@cocotb.test()
async def reads_do_not_pass_writes(dut):
    """PCIe 2.4.1 table 2-40: a read behind a write reads what was written"""
    host = await idle_host(dut)
    for value in few(range(1, 30), range(1, 6)):
        host.card.write(TIME_BASE, value)
        assert await soon(host.card.read(TIME_BASE)) == value


@cocotb.test()
async def reserved_addresses_read(dut):
    """PCIe 2.3.1: reads of every area of the BAR are completed, also where nothing is"""
    host = await idle_host(dut)
    for offset in [0x14, 0x0FC, 0x800, 0x1FFC, 0x20000, 0x50000, 0x80000, 0xFFFFC]:
        answer = await soon(host.card.ask(request(TlpType.MEM_READ, offset)))
        assert answer.status == CplStatus.SC and answer.byte_count == 4


@cocotb.test()
async def partial_writes(dut):
    """PCIe 2.2.5, docs/registers.md: the BAR takes whole words; a part of one has no effect"""
    host = await idle_host(dut)
    host.card.write(MAC_LOW, 0x11223344)
    for enables in range(1, 15):
        host.card.write(MAC_LOW, 0xFFFFFFFF, enables)
    assert await soon(host.card.read(MAC_LOW)) == 0x11223344


@cocotb.test()
async def write_without_byte_enables(dut):
    """PCIe 2.2.5: a write of one double word with no byte enabled is legal and does nothing"""
    host = await idle_host(dut)
    host.card.write(MAC_LOW, 0x55667788)
    host.card.write(MAC_LOW, 0xFFFFFFFF, 0)
    assert await soon(host.card.read(MAC_LOW)) == 0x55667788
    assert await host.unexpected() == 0


@cocotb.test()
async def poisoned_write(dut):
    """PCIe 2.7.2.2: a poisoned write has no effect on the device's registers"""
    host = await idle_host(dut)
    host.card.write(MAC_LOW, 0x0BADCAFE)
    poisoned = request(TlpType.MEM_WRITE, MAC_LOW)
    poisoned.data = bytearray(4)
    poisoned.ep = True
    host.card.push(poisoned)
    assert await soon(host.card.read(MAC_LOW)) == 0x0BADCAFE


@cocotb.test()
async def long_reads_are_unsupported(dut):
    """PCIe 2.3.1: a read of more than an aligned pair of registers gets Unsupported Request"""
    host = await idle_host(dut)
    for length in [3, 4, 32]:
        await refused(host, request(TlpType.MEM_READ, DEVICE, length=length, last=15))


@cocotb.test()
async def io_requests(dut):
    """PCIe 2.3.1: I/O reads and writes get Unsupported Request"""
    host = await idle_host(dut)
    await refused(host, request(TlpType.IO_READ, DEVICE))
    write = request(TlpType.IO_WRITE, TIME_BASE)
    write.data = bytearray(4)
    await refused(host, write)


@cocotb.test()
async def configuration_requests(dut):
    """PCIe 2.3.1: configuration requests that reach the user get Unsupported Request"""
    host = await idle_host(dut)
    for kind in [TlpType.CFG_READ_0, TlpType.CFG_READ_1]:
        await refused(host, request(kind, 0))
    for kind in [TlpType.CFG_WRITE_0, TlpType.CFG_WRITE_1]:
        write = request(kind, 0)
        write.data = bytearray(4)
        await refused(host, write)


@cocotb.test()
async def atomics(dut):
    """PCIe 6.15.3.1, 2.3.1: FetchAdd, Swap and CAS get Unsupported Request"""
    host = await idle_host(dut)
    kinds = [TlpType.FETCH_ADD, TlpType.SWAP, TlpType.CAS]
    wide = [TlpType.FETCH_ADD_64, TlpType.SWAP_64, TlpType.CAS_64]
    for kind, length in zip(kinds + wide, [1, 1, 2, 2, 2, 4]):
        atomic = request(kind, TIME_BASE, length=length, wide=kind in wide)
        atomic.data = bytearray(4 * length)
        await refused(host, atomic)


@cocotb.test()
async def locked_reads(dut):
    """PCIe 6.5.2, 2.3.1: a locked read gets Unsupported Request, as a locked completion"""
    host = await idle_host(dut)
    for kind, wide in [(TlpType.MEM_READ_LOCKED, False), (TlpType.MEM_READ_LOCKED_64, True)]:
        await refused(host, request(kind, DEVICE, wide=wide), TlpType.CPL_LOCKED)


@cocotb.test()
async def messages_are_taken(dut):
    """PCIe 2.3.1, 2.2.8: a message that the device has no use for is dropped, and nothing stops"""
    host = await idle_host(dut)
    # Set_Slot_Power_Limit, a message with data, and Unlock, one without.
    host.card.push(bytes.fromhex("74000001 00000050 00000000 00000000 12000000"))
    host.card.push(bytes.fromhex("33000000 00000000 00000000 00000000"))
    assert await soon(host.card.read(VERSION)) != 0


@cocotb.test()
async def quadwords_of_the_vector_table(dut):
    """PCIe 7.7.2: aligned QWORD writes and reads of the MSI-X table and pending bits"""
    host = await idle_host(dut)
    for offset, words in [(MSIX_TABLE + 32, [0xFEE01004, 0x1]), (MSIX_TABLE + 40, [0xABCD, 1])]:
        write = request(TlpType.MEM_WRITE, offset, length=2, last=15)
        write.data = bytearray(b"".join(word.to_bytes(4, "little") for word in words))
        host.card.push(write)
        assert await soon(host.card.read(offset)) == words[0]
        assert await soon(host.card.read(offset + 4)) == words[1]
        read = request(TlpType.MEM_READ, offset, length=2, last=15)
        answer = await soon(host.card.ask(read))
        assert answer.status == CplStatus.SC and bytes(answer.data) == bytes(write.data)
    read = request(TlpType.MEM_READ, MSIX_PENDING, length=2, last=15)
    answer = await soon(host.card.ask(read))
    assert answer.status == CplStatus.SC and bytes(answer.data) == bytes(8)
    assert await host.unexpected() == 0


@cocotb.test()
async def vector_table_words(dut):
    """PCIe 7.7.2: every vector has address, data and mask; vectors are masked at first"""
    host = await idle_host(dut)
    await idle(dut.clock, 400)
    for vector in few(range(16), [0, 15]):
        at = MSIX_TABLE + 16 * vector
        assert await soon(host.card.read(at + 12)) & 1 == 1
        for word, value in enumerate([0xFEE00000 + 4 * vector, vector, 0x4000 + vector, 0]):
            host.card.write(at + 4 * word, value)
        for word, value in enumerate([0xFEE00000 + 4 * vector, vector, 0x4000 + vector, 0]):
            assert await soon(host.card.read(at + 4 * word)) == value


@cocotb.test()
async def no_answer_to_posted(dut):
    """PCIe 2.2.1, 2.3.1: what is posted is never answered, whatever it is"""
    host = await idle_host(dut)
    host.card.seen.clear()
    long = request(TlpType.MEM_WRITE, MAC_LOW, length=4, last=15)
    long.data = bytearray(16)
    host.card.push(long)
    host.card.write(0xFFFF0, 1)
    await idle(dut.clock, 200)
    assert not host.card.seen, host.card.seen


@cocotb.test()
async def unsolicited_completions(dut):
    """PCIe 2.3.2: a completion that nobody waits for is dropped, counted, and stops nothing"""
    host = await idle_host(dut)
    before = await host.unexpected()
    for tag in [0, 31, 200]:
        stray = Tlp()
        stray.fmt_type = TlpType.CPL_DATA
        stray.requester_id = host.card.function.pcie_id
        stray.completer_id = PcieId(0, 0, 0)
        stray.tag, stray.byte_count = tag, 64
        stray.set_data(bytes(64))
        host.card.push(stray)
    assert await host.unexpected() == before + 3
