"""What the host knows of the RNIC, from docs/registers.md: enough for raw Ethernet frames."""

import cocotb
from bench import idle, powered, soon, start_clock
from cocotb.triggers import Timer
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource
from cocotbext.pcie.core import RootComplex
from link import HardBlock

DEVICE, VERSION, TIME_BASE, COMPLETION_TIMEOUT = 0x00, 0x04, 0x10, 0x18
MAC_LOW, MAC_HIGH = 0x20, 0x24
QP_CONTROL, CQ_CONTROL, COMMIT, QUERY_QP, QUERY_STATE = 0x30, 0x34, 0x38, 0x40, 0x54
ACTIVE = 1 << 8
FRAMES_SENT, FRAMES_BAD, FRAMES_FOREIGN = 0x100, 0x108, 0x10C
RAW_NO_BUFFER, TLP_UNEXPECTED = 0x114, 0x128
MSIX_TABLE, MSIX_PENDING, CONTEXT_WINDOW = 0x1000, 0x2000, 0x3000
# Of the configuration "reference": 64 queue pairs and completion queues.
QP_DOORBELLS, CQ_DOORBELLS = 0x40000, 0x80000
QUEUE_PAIR, COMPLETION_QUEUE, MEMORY_REGION = 1, 2, 3
ENABLE = 1 << 24
RAW_FRAME, SIGNALED = 8, 1 << 8
KIND_SEND, KIND_RECEIVE, KIND_EVENT = 1, 2, 3
SUCCESS, DMA_FAULT = 0, 7
STATION = bytes.fromhex("02aabbcc0001")
REGION = 3
# The region's number is the index's low 10 bits; what stands above it is drawn, as is the key.
STAG = (0x155 << 10 | REGION) << 8 | 0x5A
# Places in the host's memory, from its start.
SEND_QUEUE, RECEIVE_QUEUE, RING, MESSAGES, BUFFERS = 0x0000, 0x1000, 0x2000, 0x3000, 0x4000
MEMORY_BYTES = 0x20000
ENTRY_BYTES, COMPLETION_BYTES = 64, 32


class Host:
    """A computer with the RNIC in it, and the wire beside it."""

    async def start(self, dut, payload=0, read=2, split=False, refuse=None):
        """Enumerates and resets; the RNIC's clock stands still while there is nothing for it."""
        self.dut = dut
        for name in ["mac_counts_damaged", "mac_counts_misfit", "mac_counts_pause",
                     "mac_counts_lost", "reset", "s_axis_pcie_tvalid", "s_axis_mac_tvalid",
                     "m_axis_pcie_tready", "m_axis_mac_tready"]:
            getattr(dut, name).value = 0
        dut.max_payload.value = 0
        dut.max_read.value = 0
        dut.requester.value = 0
        self.root = RootComplex()
        self.root.max_payload_size = payload
        self.root.max_read_request_size = read
        self.root.split_on_all_rcb = split
        self.card = HardBlock(dut)
        self.card.function.pcie_cap.max_payload_size_supported = 2
        self.root.make_port().connect(self.card)
        self.card.configured()
        self.wire_in = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_mac"), dut.clock)
        self.wire_out = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_mac"), dut.clock)
        if refuse:
            self.card.out.set_pause_generator(refuse)
        await powered()
        await self.root.enumerate()
        self.place = self.root.find_device(self.card.function.pcie_id)
        await self.place.enable_device()
        await self.place.set_master()
        await self.place.set_readrq(read)
        await self.place.set_mps(payload)
        await Timer(200, "ns")
        self.bar = self.place.bar_window[0]
        self.card.function.msix_cap.msix_enable = True
        self.card.configured()
        start_clock(dut.clock, 6400)
        dut.reset.value = 1
        await idle(dut.clock, 4)
        dut.reset.value = 0
        self.address, self.memory = self.root.alloc_region(MEMORY_BYTES)
        self.sent = self.posted = self.consumed = 0
        return self

    def commit(self, table, index, words):
        """Hands over a record."""
        for number, word in enumerate(words):
            self.card.write(CONTEXT_WINDOW + 4 * number, word)
        self.card.write(COMMIT, table << 24 | index)

    async def active(self):
        """Queue pair 0 runs."""
        self.card.write(QUERY_QP, 0)
        # What is shown follows some clocks later: a read takes longer.
        await soon(self.card.read(DEVICE))
        return await soon(self.card.read(QUERY_STATE)) & ACTIVE != 0

    async def open(self, bus_address=None):
        """Starts queue pair 0 with its queues, its completion queue, and a memory region."""
        base = self.address
        write = self.card.write
        for vector in range(2):
            message = base + MESSAGES + 16 * vector
            for number, word in enumerate([message, message >> 32, 0xC0FFEE00 + vector, 0]):
                write(MSIX_TABLE + 16 * vector + 4 * number, word & 0xFFFFFFFF)
        write(MAC_LOW, int.from_bytes(STATION[2:], "big"))
        write(MAC_HIGH, int.from_bytes(STATION[:2], "big"))
        region = base if bus_address is None else bus_address
        rights = 0xF << 16
        self.commit(
            MEMORY_REGION, REGION,
            [0, 0, MEMORY_BYTES, 0, low(region), high(region), STAG, 1 | rights | 1 << 31],
        )
        self.commit(COMPLETION_QUEUE, 1, [low(base + RING), high(base + RING), 5 | 1 << 8])
        write(CQ_CONTROL, 1 | ENABLE)
        send, receive = base + SEND_QUEUE, base + RECEIVE_QUEUE
        words = [1 << 16, 4 << 16 | 4 << 24, 1, 1] + [0] * 14
        words[10:14] = [low(send), high(send), low(receive), high(receive)]
        self.commit(QUEUE_PAIR, 0, words)
        write(QP_CONTROL, 0 | ENABLE)
        assert await self.active()
        return self

    def post_send(self, offset, length, stag=STAG):
        """Posts a raw frame that lies in the memory at `offset`."""
        self.entry(SEND_QUEUE, self.sent, [RAW_FRAME | SIGNALED, length, offset, 0, stag])
        self.sent += 1

    def post_receive(self, offset, length):
        """Posts a buffer for a raw frame."""
        self.entry(RECEIVE_QUEUE, self.posted, [0, length, offset, 0, STAG])
        self.posted += 1

    def entry(self, queue, number, words):
        """Writes an entry of a queue."""
        at = queue + number % 16 * ENTRY_BYTES
        octets = b"".join(word.to_bytes(4, "little") for word in words)
        self.memory[at:at + ENTRY_BYTES] = octets.ljust(ENTRY_BYTES, b"\0")

    def ring_send(self):
        """Tells of the sends."""
        self.card.write(QP_DOORBELLS, self.sent)

    def ring_receive(self):
        """Tells of the buffers."""
        self.card.write(QP_DOORBELLS + 4, self.posted)

    def arm(self):
        """Asks for an interrupt."""
        self.card.write(CQ_DOORBELLS + 4096 + 4, 0)

    async def completion(self):
        """Waits for the next completion entry: kind, status, length and request."""
        at = RING + self.consumed % 32 * COMPLETION_BYTES
        phase = 1 - self.consumed // 32 % 2
        for _ in range(4000):
            entry = bytes(self.memory[at:at + COMPLETION_BYTES])
            if entry[31] >> 7 == phase:
                break
            await idle(self.dut.clock, 8)
        else:
            raise AssertionError("no completion came")
        self.consumed += 1
        self.card.write(CQ_DOORBELLS + 4096, self.consumed)
        return entry[3], entry[6], int.from_bytes(entry[8:12], "little"), entry[4]

    async def send(self, frame, offset=BUFFERS):
        """Sends a frame from the memory at `offset`; it comes out of the RNIC as it is."""
        self.memory[offset:offset + len(frame)] = frame
        self.post_send(offset, len(frame))
        self.ring_send()
        await self.leaves(frame)
        assert await self.completion() == (KIND_SEND, SUCCESS, len(frame), (self.sent - 1) & 255)

    async def leaves(self, frame):
        """A frame comes out of the RNIC."""
        left = await soon(self.wire_out.recv())
        assert bytes(left.tdata) == frame, left

    def arrives(self, frame, bad=False):
        """A frame comes to the RNIC."""
        sent = AxiStreamFrame(frame)
        sent.tuser = [0] * (len(frame) - 1) + [int(bad)]
        self.wire_in.send_nowait(sent)

    async def receive(self, frame, offset, room):
        """A frame comes, and lands in the memory at `offset`, and nowhere else."""
        guard = b"\xee" * (room + 64)
        self.memory[offset - 32:offset + room + 32] = guard
        self.post_receive(offset, room)
        self.ring_receive()
        # Buffers are fetched ahead; a frame that comes first is dropped.
        await idle(self.dut.clock, 120)
        self.arrives(frame)
        got = await self.completion()
        assert got == (KIND_RECEIVE, SUCCESS, len(frame), (self.posted - 1) & 255), got
        landed = bytes(self.memory[offset - 32:offset + room + 32])
        assert landed == guard[:32] + frame + guard[32 + len(frame):]

    async def unexpected(self):
        """Packets that the device could not take, as it counts them."""
        return await soon(self.card.read(TLP_UNEXPECTED))

    def sound(self):
        """The device made no packet that the library finds fault with."""
        assert not self.card.malformed, self.card.malformed


def low(address):
    """The low word of an address."""
    return address & 0xFFFFFFFF


def high(address):
    """The high word of an address."""
    return address >> 32


def background(coroutine):
    """Runs beside the case."""
    return cocotb.start_soon(coroutine)
