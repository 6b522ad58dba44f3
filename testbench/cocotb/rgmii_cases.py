"""The MAC behind the board's RGMII, against cocotbext-eth: 1000 Mb/s alone."""

import cocotb
from bench import few, idle, powered, soon, start_clock
from cocotb.triggers import Timer
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource
from cocotbext.eth import GmiiFrame, RgmiiSink, RgmiiSource
from mac_cases import frame, gap, pause


class Bench:
    """A PHY and a device."""

    async def start(self, dut, line=True):
        self.dut = dut
        for name in ["rx_data", "rx_control", "phy_clock", "device_reset", "station",
                     "s_axis_device_tvalid", "m_axis_device_tready"]:
            getattr(dut, name).value = 0
        if line:
            self.line = RgmiiSource(dut.rx_data, dut.rx_control, dut.rx_clock)
        self.heard = RgmiiSink(dut.tx_data, dut.tx_control, dut.phy_clock)
        self.device = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_device"), dut.clock)
        self.came = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_device"), dut.clock)
        await powered()
        start_clock(dut.rx_clock, 8000)
        start_clock(dut.tx_clock, 8000)
        start_clock(dut.clock, 16000)
        # As the board's pin delays it.
        await Timer(2, "ns")
        start_clock(dut.phy_clock, 8000)
        dut.device_reset.value = 1
        await idle(dut.clock, 4)
        dut.device_reset.value = 0
        await idle(dut.clock, 20)
        return self


@cocotb.test()
async def rgmii_frames_come_in(dut):
    """RGMII 2.0 3.0 table 1: octets at both edges, RX_CTL carries RX_DV and RX_ER"""
    bench = await Bench().start(dut)
    for length in few([60, 61, 66, 67, 68, 1514], [60, 61]):
        await bench.line.send(GmiiFrame.from_payload(frame(length, length)))
        came = await soon(bench.came.recv())
        assert bytes(came.tdata) == frame(length, length)


@cocotb.test()
async def rgmii_frames_go_out(dut):
    """RGMII 2.0 3.0 table 1: octets at both edges, TX_CTL carries TX_EN and TX_ER"""
    bench = await Bench().start(dut)
    for length in few([60, 61, 66, 67, 68, 1514], [60, 61]):
        await bench.device.send(AxiStreamFrame(frame(length, length)))
        heard = await soon(bench.heard.recv())
        assert heard.check_fcs() and bytes(heard.get_payload()) == frame(length, length), heard
        assert not any(heard.error or [])


@cocotb.test()
async def rgmii_error_comes_in(dut):
    """RGMII 2.0 3.4.2, 802.3 35.2.1.5: an error of the PHY makes the frame bad"""
    bench = await Bench().start(dut)
    sent = GmiiFrame.from_payload(frame(60))
    sent.error = [0] * len(sent.data)
    sent.error[33] = 1
    await bench.line.send(sent)
    came = await soon(bench.came.recv())
    user = came.tuser
    assert user[-1] if isinstance(user, (list, bytearray)) else user


@cocotb.test()
async def rgmii_back_to_back(dut):
    """802.3 4.4.2, RGMII 2.0 3.0: frames both ways without a break, 12 octets apart"""
    bench = await Bench().start(dut)
    lengths = few([64, 72, 512, 64], [64, 72, 64])
    for length in lengths:
        await bench.line.send(GmiiFrame.from_payload(frame(length, length)))
        await bench.device.send(AxiStreamFrame(frame(length, length)))
    heard = [await soon(bench.heard.recv()) for _ in lengths]
    assert [bytes(it.get_payload()) for it in heard] == [frame(n, n) for n in lengths]
    assert [gap(a, b) for a, b in zip(heard, heard[1:])] == [12] * (len(lengths) - 1)
    for length in lengths:
        assert bytes((await soon(bench.came.recv())).tdata) == frame(length, length)


@cocotb.test()
async def rgmii_pause(dut):
    """802.3 31B.3.3: PAUSE that comes over RGMII is obeyed"""
    bench = await Bench().start(dut)
    await bench.line.send(GmiiFrame.from_payload(pause(50)))
    await idle(dut.clock, 80)
    await bench.device.send(AxiStreamFrame(frame(64)))
    await idle(dut.clock, 600)
    assert bench.heard.empty(), bench.heard.recv_nowait()
    heard = await soon(bench.heard.recv())
    assert bytes(heard.get_payload()) == frame(64)


@cocotb.test()
async def rgmii_status(dut):
    """RGMII 2.0 3.4.1: between frames the PHY says that there is a link, and its speed"""
    bench = await Bench().start(dut, line=False)
    for code, link, gigabit in [(0b1101, 1, 1), (0b0000, 0, 0), (0b0011, 1, 0)]:
        dut.rx_data.value = code
        await idle(dut.rx_clock, 8)
        assert (int(dut.link.value), int(dut.gigabit.value)) == (link, gigabit)
    assert bench.came.empty()
