"""The MAC at its GMII and at its AXI4-Stream, against cocotbext-eth."""

import cocotb
from bench import few, idle, octets, powered, soon, start_clock
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource
from cocotbext.eth import GmiiFrame, GmiiSink, GmiiSource

PAUSE = bytes.fromhex("0180c2000001")
STATION = bytes.fromhex("02aabbcc0001")
PEER = bytes.fromhex("020000000009")
# A clock of 125 MHz, in nanoseconds.
NANOSECONDS = 8


class Bench:
    """The MAC with a line and a device."""

    async def start(self, dut, receive=8000, transmit=8000, device=16000):
        self.dut = dut
        self.counts = dict.fromkeys(["damaged", "misfit", "pause", "lost"], 0)
        dut.device_reset.value = 0
        dut.station.value = int.from_bytes(STATION, "big")
        dut.gmii_receive_data.value = 0
        dut.gmii_receive_enable.value = 0
        dut.gmii_receive_error.value = 0
        dut.s_axis_device_tvalid.value = 0
        dut.m_axis_device_tready.value = 0
        await powered()
        start_clock(dut.receive_clock, receive)
        start_clock(dut.transmit_clock, transmit)
        start_clock(dut.clock, device)
        self.line = GmiiSource(
            dut.gmii_receive_data, dut.gmii_receive_error, dut.gmii_receive_enable,
            dut.receive_clock,
        )
        self.heard = GmiiSink(
            dut.gmii_transmit_data, dut.gmii_transmit_error, dut.gmii_transmit_enable,
            dut.transmit_clock,
        )
        self.device = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_device"), dut.clock)
        self.came = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_device"), dut.clock)
        # What a case before this one left behind is cut off.
        dut.device_reset.value = 1
        await idle(dut.clock, 2)
        dut.device_reset.value = 0
        await idle(dut.clock, 20)
        cocotb.start_soon(self.count())
        return self

    async def count(self):
        while True:
            await idle(self.dut.clock, 1)
            for name in self.counts:
                signal = getattr(self.dut, f"counts_{name}")
                self.counts[name] += int(signal.value)

    async def receives(self, frame, bad=False):
        """The device gets `frame`, as good or as bad."""
        came = await soon(self.came.recv())
        user = came.tuser
        error = user[-1] if isinstance(user, (list, bytearray)) else user
        assert bool(error) == bad, came
        if not bad:
            assert bytes(came.tdata) == frame, came

    async def hears(self, frame):
        """The line gets `frame`, padded and with a good check sequence."""
        heard = await soon(self.heard.recv())
        assert not heard.error or not any(heard.error), heard
        assert heard.check_fcs(), heard
        assert bytes(heard.get_payload()) == frame.ljust(60, b"\0"), heard
        # The sink leaves the first octet out and knows when it was.
        assert heard.get_preamble() == bytearray([0x55] * 6 + [0xD5])
        assert round((heard.sim_time_sfd - heard.sim_time_start) / (1000 * NANOSECONDS)) == 8
        return heard

    async def quiet(self, cycles=200):
        """Nothing comes to the device."""
        await idle(self.dut.receive_clock, cycles)
        assert self.came.empty()


def frame(length, seed=1, to=STATION):
    """A frame without check sequence."""
    return to + PEER + b"\x08\x00" + octets(seed, length - 14)


def pause(quanta, to=PAUSE, opcode=1):
    """A frame of MAC Control."""
    head = to + PEER + b"\x88\x08" + opcode.to_bytes(2, "big") + quanta.to_bytes(2, "big")
    return head.ljust(60, b"\0")


def gap(first, second):
    """Octet times of silence between two frames."""
    return round((second.sim_time_start - first.sim_time_end) / (1000 * NANOSECONDS))


@cocotb.test()
async def frames_come_in(dut):
    """802.3 3.1.1, 3.2.9: frames of every length mod 8 come whole, without check sequence"""
    bench = await Bench().start(dut)
    for length in [60, *range(61, few(77, 69)), few(1514, 200)]:
        await bench.line.send(GmiiFrame.from_payload(frame(length, length)))
        await bench.receives(frame(length, length))
    assert not any(bench.counts.values())


@cocotb.test()
async def longest_frame_comes_in(dut):
    """802.3 3.2.7, 4.2.7: the longest frame that the device takes, 9014 octets"""
    bench = await Bench().start(dut)
    await bench.line.send(GmiiFrame.from_payload(frame(9014)))
    await bench.receives(frame(9014))


@cocotb.test()
async def bad_check_sequence(dut):
    """802.3 3.2.9, 4.2.9: a wrong frame check sequence is reported and counted"""
    bench = await Bench().start(dut)
    for bit in few([0, 7, 500, 511], [0, 511]):
        sent = GmiiFrame.from_payload(frame(60))
        sent.data[8 + bit // 8] ^= 1 << bit % 8
        await bench.line.send(sent)
        await bench.receives(b"", bad=True)
    await bench.line.send(GmiiFrame.from_payload(frame(64)))
    await bench.receives(frame(64))
    assert bench.counts["damaged"] == few(4, 2)


@cocotb.test()
async def receive_error(dut):
    """802.3 35.2.1.5: RX_ER within a frame makes it bad, whatever its check sequence"""
    bench = await Bench().start(dut)
    for octet in [8, 40, 70]:
        sent = GmiiFrame.from_payload(frame(60))
        sent.error = [0] * len(sent.data)
        sent.error[octet] = 1
        await bench.line.send(sent)
        await bench.receives(b"", bad=True)
    assert bench.counts["damaged"] == 3


@cocotb.test()
async def runts(dut):
    """802.3 4.2.4.2.2, 4.4.2 minFrameSize: what is shorter than 64 octets is bad"""
    bench = await Bench().start(dut)
    for length in few([14, 20, 40, 58, 59], [14, 59]):
        await bench.line.send(GmiiFrame.from_payload(frame(length), min_len=0))
        await bench.receives(b"", bad=True)
    await bench.line.send(GmiiFrame.from_payload(frame(60), min_len=0))
    await bench.receives(frame(60))
    assert bench.counts["misfit"] == few(5, 2)


@cocotb.test()
async def overlong(dut):
    """802.3 4.2.4.2.1, frameTooLong: what is longer than a frame may be is bad"""
    bench = await Bench().start(dut)
    await bench.line.send(GmiiFrame.from_payload(frame(9015)))
    await bench.receives(b"", bad=True)
    await bench.line.send(GmiiFrame.from_payload(frame(61)))
    await bench.receives(frame(61))
    assert bench.counts["misfit"] == 1


@cocotb.test()
async def short_preamble(dut):
    """802.3 4.2.9, 35.2.3.2.2: frames come whole with a preamble of any length"""
    bench = await Bench().start(dut)
    for preamble in [0, 1, 3, 6, 7, 15]:
        sent = GmiiFrame.from_payload(frame(60 + preamble))
        sent.data = bytearray([0x55] * preamble) + sent.data[7:]
        await bench.line.send(sent)
        await bench.receives(frame(60 + preamble))


@cocotb.test()
async def no_delimiter(dut):
    """802.3 4.2.9, 35.2.3.2.2: without a start frame delimiter there is no frame"""
    bench = await Bench().start(dut)
    await bench.line.send(GmiiFrame(bytearray([0x55] * 40)))
    await bench.line.send(GmiiFrame(bytearray([0x0F] * 9)))
    await bench.quiet()
    await bench.line.send(GmiiFrame.from_payload(frame(60)))
    await bench.receives(frame(60))


@cocotb.test()
async def back_to_back_in(dut):
    """802.3 4.4.2 interPacketGap, 4.2.3.2.2: frames 12, 8 and 5 octets apart all come"""
    bench = await Bench().start(dut)
    for silence in [12, 8, 5]:
        bench.line.ifg = silence
        lengths = [60, 61, 67, 68, 100, 60]
        for length in lengths:
            await bench.line.send(GmiiFrame.from_payload(frame(length, length)))
        for length in lengths:
            await bench.receives(frame(length, length))
    assert not any(bench.counts.values())


@cocotb.test()
async def idle_codes(dut):
    """802.3 35.2.2.7, 35.2.2.8, table 35-2: what RXD and RX_ER say between frames is no frame"""
    bench = await Bench().start(dut)
    for code, error in [(0x0F, 1), (0x1F, 1), (0x0E, 1), (0xD5, 0)]:
        dut.gmii_receive_data.value = code
        dut.gmii_receive_error.value = error
        await idle(dut.receive_clock, 4)
    dut.gmii_receive_error.value = 0
    await bench.quiet(60)
    await bench.line.send(GmiiFrame.from_payload(frame(60)))
    await bench.receives(frame(60))


@cocotb.test()
async def frames_go_out(dut):
    """802.3 3.1.1, 3.2.1, 3.2.8, 3.2.9: preamble, octets, pad and check sequence"""
    bench = await Bench().start(dut)
    for length in few([1, 14, 59, 60, 61, 62, 63, 64, 65, 1514], [1, 59, 60, 65]):
        sent = octets(length, length)
        await bench.device.send(AxiStreamFrame(sent))
        await bench.hears(sent)


@cocotb.test()
async def back_to_back_out(dut):
    """802.3 4.2.3.2.2, 4.4.2: exactly 12 octets of silence between frames of a busy device"""
    bench = await Bench().start(dut)
    lengths = few([64, 72, 80, 512, 1512, 64], [64, 72, 64])
    for length in lengths:
        await bench.device.send(AxiStreamFrame(octets(length, length)))
    heard = [await bench.hears(octets(length, length)) for length in lengths]
    assert not any(bench.counts.values())
    gaps = [gap(a, b) for a, b in zip(heard, heard[1:])]
    assert gaps == [12] * len(gaps), gaps


@cocotb.test()
async def failed_frame_goes_out_damaged(dut):
    """802.3 35.2.2.5: TX_ER makes a frame that failed bad, and the next one is whole"""
    bench = await Bench().start(dut)
    failed = AxiStreamFrame(octets(5, 80))
    failed.tuser = 1
    await bench.device.send(failed)
    await bench.device.send(AxiStreamFrame(octets(6, 80)))
    heard = await soon(bench.heard.recv())
    assert any(heard.error or []), heard
    await bench.hears(octets(6, 80))


@cocotb.test()
async def late_beat_goes_out_damaged(dut):
    """802.3 35.2.2.5: a frame whose beats come too late ends with TX_ER and is counted"""
    bench = await Bench().start(dut)
    bench.device.set_pause_generator(iter([False] * 6 + [True] * 40 + [False] * 200))
    await bench.device.send(AxiStreamFrame(octets(7, 200)))
    heard = await soon(bench.heard.recv())
    assert any(heard.error or []), heard
    await bench.device.send(AxiStreamFrame(octets(8, 80)))
    await bench.hears(octets(8, 80))
    assert bench.counts["lost"] == 1


async def paused(dut, sent, silent, came=None):
    """Sends `sent` while the device sends; the line is silent for `silent` octet times, or not."""
    bench = await Bench().start(dut)
    await bench.device.send(AxiStreamFrame(frame(64, 1)))
    await bench.line.send(sent)
    for number in range(2, few(8, 6)):
        await bench.device.send(AxiStreamFrame(frame(64, number)))
    heard = [await soon(bench.heard.recv(), 200) for _ in range(1, few(8, 6))]
    gaps = [gap(a, b) for a, b in zip(heard, heard[1:])]
    longest = max(gaps)
    assert min(gaps) == 12, gaps
    if silent:
        assert silent <= longest <= silent + 20, (silent, gaps)
    else:
        assert longest == 12, gaps
    if came is None:
        await bench.quiet(60)
    else:
        await bench.receives(came)
    assert bench.counts["pause"] == int(bool(silent))


@cocotb.test()
async def pause_is_obeyed(dut):
    """802.3 31B.2, 31B.3.3: PAUSE holds the line for its quanta and stays in the MAC"""
    await paused(dut, GmiiFrame.from_payload(pause(5)), 5 * 64)


@cocotb.test()
async def pause_to_the_station(dut):
    """802.3 31B.3.3: PAUSE to the station's own address is obeyed, and stays in the MAC"""
    await paused(dut, GmiiFrame.from_payload(pause(5, STATION)), 5 * 64)


@cocotb.test()
async def pause_to_another(dut):
    """802.3 31B.3.3, 31.5.2: PAUSE to another station is neither obeyed nor a frame"""
    await paused(dut, GmiiFrame.from_payload(pause(50, PEER)), 0)


@cocotb.test()
async def damaged_pause(dut):
    """802.3 31B.3.3, 4.2.9: a damaged PAUSE is not obeyed"""
    sent = GmiiFrame.from_payload(pause(50))
    sent.data[40] ^= 1
    await paused(dut, sent, 0)


@cocotb.test()
async def unknown_control(dut):
    """802.3 31.5.2, 31.4.1.3: MAC Control of another opcode is dropped"""
    await paused(dut, GmiiFrame.from_payload(pause(50, STATION, 0x0101)), 0)


@cocotb.test()
async def slow_protocols_are_frames(dut):
    """802.3 57A.4, 31.4.1.3: type 0x8809 is not MAC Control and comes to the device"""
    sent = (STATION + PEER + b"\x88\x09\x00\x01\x00\x40").ljust(60, b"\0")
    await paused(dut, GmiiFrame.from_payload(sent), 0, sent)


@cocotb.test()
async def pause_counts_from_the_end(dut):
    """802.3 figure 31B-2: the time of PAUSE begins with the end of the frame being sent"""
    bench = await Bench().start(dut)
    for quanta in few([16, 200], [16]):
        long = octets(9, few(9014, 1514))
        await bench.device.send(AxiStreamFrame(long))
        await bench.device.send(AxiStreamFrame(octets(10, 64)))
        await idle(dut.transmit_clock, 138)
        await bench.line.send(GmiiFrame.from_payload(pause(quanta)))
        first = await bench.hears(long)
        second = await soon(bench.heard.recv(), 300)
        assert 64 * quanta <= gap(first, second) <= 64 * quanta + 20


@cocotb.test()
async def pause_of_zero_ends_silence(dut):
    """802.3 31B.2, 31B.3.2: PAUSE of no quanta ends the silence"""
    bench = await Bench().start(dut)
    await bench.line.send(GmiiFrame.from_payload(pause(0xFFFF)))
    await idle(dut.transmit_clock, 120)
    await bench.device.send(AxiStreamFrame(octets(11, 64)))
    await idle(dut.transmit_clock, 500)
    assert bench.heard.empty()
    await bench.line.send(GmiiFrame.from_payload(pause(0)))
    await bench.hears(octets(11, 64))


@cocotb.test()
async def clocks_differ(dut):
    """802.3 35.2.2.1, 4.4.2: 250 ppm off, each clock its way, both ways at once"""
    bench = await Bench().start(dut, receive=7998, transmit=8002, device=13334)
    lengths = few([64, 60, 1514, 64, 777, 65], [64, 60, 200])
    for length in lengths:
        await bench.line.send(GmiiFrame.from_payload(frame(length, length)))
        await bench.device.send(AxiStreamFrame(frame(length, length)))
    for length in lengths:
        await bench.receives(frame(length, length))
        await bench.hears(frame(length, length))
    assert not any(bench.counts.values())
