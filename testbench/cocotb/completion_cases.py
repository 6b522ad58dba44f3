"""How the RNIC takes what its reads are answered with."""

import cocotb
from bench import few, idle, octets, soon
from cocotbext.pcie.core.tlp import CplStatus, Tlp, TlpType
from cocotbext.pcie.core.utils import PcieId
from device import *
from frame_cases import READS, frame

# A completion timeout in clocks: nobody has set the device's time base. A read that gets less than
# its octets, and no error that ends it, ends with this.
SOON = 4000

COMPLETIONS = {TlpType.CPL, TlpType.CPL_DATA}


class Answers:
    """Holds the root complex's completions back, so that a case can give them as it likes."""

    def __init__(self, host):
        self.host = host
        self.held = []
        host.card.change = self.take

    def take(self, tlp):
        if tlp.fmt_type not in COMPLETIONS:
            return [tlp]
        self.held.append(tlp)
        return []

    async def wait(self, octets_):
        """Waits until completions with so many octets in all are held."""
        for _ in range(2000):
            if sum(len(tlp.data) for tlp in self.held) >= octets_:
                return
            await idle(self.host.dut.clock, 4)
        raise AssertionError(f"{len(self.held)} completions are held")

    def release(self, order=None):
        """Gives what is held, in this order of tags' first appearance."""
        self.host.card.change = None
        tags = list(dict.fromkeys(tlp.tag for tlp in self.held))
        for tag in order(tags) if order else tags:
            for tlp in self.held:
                if tlp.tag == tag:
                    self.host.card.push(tlp)
        self.held = []


async def begun(host, length, offset=BUFFERS):
    """Sends a frame of which the request was fetched; its payload's completions are held."""
    host.memory[offset:offset + length] = frame(length)
    host.post_send(offset, length)
    answers = Answers(host)
    host.ring_send()
    await answers.wait(ENTRY_BYTES)
    held, answers.held = answers.held, []
    for tlp in held:
        host.card.push(tlp)
    await answers.wait(length)
    return answers


async def ends_with_fault(host):
    """The send completes with the fault, and other work goes on after a new start."""
    kind, status, _, _ = await host.completion()
    assert (kind, status) == (KIND_EVENT, DMA_FAULT) or status == DMA_FAULT, (kind, status)
    assert host.wire_out.empty()
    assert await soon(host.card.read(VERSION)) != 0


async def works_again(host):
    """Queue pair 0 is stopped, started again, and sends."""
    host.card.change = None
    host.card.write(QP_CONTROL, 0)
    await idle(host.dut.clock, 200)
    host.sent = host.posted = host.consumed = 0
    host.memory[RING:RING + 32 * COMPLETION_BYTES] = bytes(32 * COMPLETION_BYTES)
    host.card.write(CQ_CONTROL, 1)
    await idle(host.dut.clock, 100)
    await host.open()
    while not host.wire_out.empty():
        host.wire_out.recv_nowait()
    await host.send(frame(77), BUFFERS + 2048)


@cocotb.test()
async def split_at_every_boundary(dut):
    """PCIe 2.3.1.1: completions split at every read completion boundary of 64 octets"""
    host = await (await Host().start(dut, split=True)).open()
    for number in range(few(8, 2)):
        await host.send(frame(600 + number, number), BUFFERS + 61 * number)


@cocotb.test()
async def split_at_the_wide_boundary(dut):
    """PCIe 2.3.1.1, 7.5.3.7: the same with a boundary of 128 octets"""
    host = await Host().start(dut, split=True)
    host.root.read_completion_boundary = True
    await host.open()
    for number in range(few(8, 2)):
        await host.send(frame(600 + number, number), BUFFERS + 61 * number)


@cocotb.test()
async def completions_in_reverse(dut):
    """PCIe 2.4.1: completions of different requests come in any order"""
    host = await (await Host().start(dut, read=0, split=True)).open()
    answers = await begun(host, few(1500, 700))
    answers.release(lambda tags: list(reversed(tags)))
    await host.leaves(frame(few(1500, 700)))
    assert (await host.completion())[1] == SUCCESS
    host.sound()


@cocotb.test()
async def completions_interleaved(dut):
    """PCIe 2.4.1, 2.3.1.1: parts of several requests' completions alternate"""
    host = await (await Host().start(dut, read=0, split=True)).open()
    length = few(1500, 700)
    answers = await begun(host, length)
    host.card.change = None
    queues = {}
    for tlp in answers.held:
        queues.setdefault(tlp.tag, []).append(tlp)
    while any(queues.values()):
        for queue in queues.values():
            if queue:
                host.card.push(queue.pop(0))
    await host.leaves(frame(length))
    assert (await host.completion())[1] == SUCCESS


@cocotb.test()
async def tags_are_not_doubled(dut):
    """PCIe 2.2.6.2: no tag is used again before its request is complete"""
    host = await (await Host().start(dut, read=0)).open()
    answers = await begun(host, few(4000, 1500))
    asked = [tlp.tag for tlp in host.card.seen if tlp.fmt_type in READS][1:]
    assert len(asked) == len(set(asked)), asked
    answers.release()
    await host.leaves(frame(few(4000, 1500)))


@cocotb.test()
async def unsupported_request(dut):
    """PCIe 2.2.9, 2.3.2: a read of nowhere, which cocotbext-pcie answers with UR, ends the send"""
    host = await Host().start(dut)
    # Between the regions of memory and of devices of the root complex.
    await host.open(bus_address=0x9000_0000)
    host.post_send(BUFFERS, 100)
    host.ring_send()
    await ends_with_fault(host)
    await works_again(host)


async def answered(dut, change, length=400):
    """The first completion of a payload becomes what `change` makes of it."""
    host = await (await Host().start(dut)).open()
    host.card.write(COMPLETION_TIMEOUT, SOON)
    answers = await begun(host, length)
    host.card.change = None
    first = answers.held.pop(0)
    for tlp in change(first):
        host.card.push(tlp)
    for tlp in answers.held:
        if tlp.tag != first.tag:
            host.card.push(tlp)
    await ends_with_fault(host)
    await works_again(host)


def without_data(tlp, status):
    """An error completion in place of `tlp`."""
    error = Tlp(tlp)
    error.fmt_type = TlpType.CPL
    error.status = status
    error.length = 0
    error.data = bytearray()
    return error


@cocotb.test()
async def completer_abort(dut):
    """PCIe 2.2.9, 2.3.2: Completer Abort ends the send with DMA_FAULT, and nothing else"""
    await answered(dut, lambda tlp: [without_data(tlp, CplStatus.CA)])


@cocotb.test()
async def abort_after_data(dut):
    """PCIe 2.3.2: an abort behind a part of the data ends the send, and no part leaves"""
    def change(tlp):
        part, rest = Tlp(tlp), without_data(tlp, CplStatus.CA)
        part.set_data(tlp.data[:64 - tlp.lower_address % 64])
        rest.byte_count = tlp.byte_count - len(part.data)
        rest.lower_address = (tlp.lower_address + len(part.data)) & 0x7F
        return [part, rest]

    await answered(dut, change)


@cocotb.test()
async def poisoned_completion(dut):
    """PCIe 2.7.2.2: poisoned data is not used: the send ends, and nothing leaves"""
    def change(tlp):
        tlp.ep = True
        return [tlp]

    await answered(dut, change)


@cocotb.test()
async def poisoned_part(dut):
    """PCIe 2.2.6.2, 2.7.2.2: after a poisoned part the tag is its request's until all has come"""
    host = await (await Host().start(dut, split=True)).open()
    answers = await begun(host, 400)
    host.card.change = None
    first, *rest = answers.held
    first.ep = True
    host.card.push(first)
    await idle(dut.clock, 300)
    # A second frame is read meanwhile; no octet of the first may be in it.
    before = await host.unexpected()
    for tlp in rest:
        host.card.push(tlp)
    await ends_with_fault(host)
    assert await host.unexpected() == before
    await works_again(host)


@cocotb.test()
async def other_requester(dut):
    """PCIe 2.3.2: a completion for another requester is unexpected: dropped and counted"""
    host = await (await Host().start(dut)).open()
    answers = await begun(host, 200)
    before = await host.unexpected()
    stray = Tlp(answers.held[0])
    stray.requester_id = PcieId(9, 3, 0)
    stray.set_data(bytes(len(stray.data)))
    host.card.push(stray)
    assert await host.unexpected() == before + 1
    answers.release()
    await host.leaves(frame(200))


@cocotb.test()
async def completion_twice(dut):
    """PCIe 2.3.2: a completion that comes again is unexpected: dropped and counted"""
    host = await (await Host().start(dut)).open()
    answers = await begun(host, 200)
    again = [Tlp(tlp) for tlp in answers.held]
    answers.release()
    await host.leaves(frame(200))
    assert (await host.completion())[1] == SUCCESS
    before = await host.unexpected()
    for tlp in again:
        host.card.push(tlp)
    assert await host.unexpected() == before + len(again)
    await host.send(frame(300), BUFFERS + 2048)


@cocotb.test()
async def too_much_data(dut):
    """PCIe 2.3.2, 2.2.9: more data than was asked for is not used"""
    def change(tlp):
        tlp.set_data(bytes(tlp.data) + bytes(64))
        tlp.byte_count += 64
        return [tlp]

    host = await (await Host().start(dut)).open()
    host.card.write(COMPLETION_TIMEOUT, SOON)
    answers = await begun(host, 200)
    host.card.change = None
    first, *rest = answers.held
    for tlp in change(first) + rest:
        host.card.push(tlp)
    await ends_with_fault(host)


@cocotb.test()
async def answer_after_a_stop(dut):
    """PCIe 2.3.2, 2.2.6.2: what is answered after its queue pair was stopped goes nowhere"""
    host = await (await Host().start(dut)).open()
    answers = await begun(host, 400)
    host.card.write(QP_CONTROL, 0)
    await idle(dut.clock, 100)
    answers.release()
    await idle(dut.clock, 200)
    assert host.wire_out.empty()
    await works_again(host)
