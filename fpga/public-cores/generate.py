"""Writes LiteEth's CRC and MAC as Verilog, in the form in which ours are measured.

Takes the folder to write into. Needs liteeth, litex and migen; nothing of them is in here.
"""

import sys
from pathlib import Path

from liteeth.common import eth_phy_description, stream
from liteeth.mac.core import LiteEthMACCore
from liteeth.mac.crc import LiteEthMACCRCEngine
from litex.gen import LiteXModule
from migen import ClockDomain, If, Module, Mux, Signal
from migen.fhdl import verilog

# Highest power first, as LiteEth takes it: RFC 3720 section 12.1.
CASTAGNOLI = 0x1EDC6F41
ONES = 0xFFFFFFFF


class Crc32c(Module):
    """Eight or four octets a clock; the first word of a message starts it."""

    def __init__(self):
        # One a line: Migen takes the names of the ports from here.
        self.first = Signal()
        self.half = Signal()
        self.valid = Signal()
        self.data = Signal(64)
        self.crc = Signal(32)
        self.ios = {self.first, self.half, self.valid, self.data, self.crc}
        self.submodules.whole = whole = LiteEthMACCRCEngine(64, 32, CASTAGNOLI)
        self.submodules.part = part = LiteEthMACCRCEngine(32, 32, CASTAGNOLI)
        register = Signal(32, reset=ONES)
        old = Mux(self.first, ONES, register)
        self.comb += [
            whole.data.eq(self.data),
            part.data.eq(self.data[:32]),
            whole.crc_prev.eq(old),
            part.crc_prev.eq(old),
            self.crc.eq(register),
        ]
        self.sync += If(self.valid, register.eq(Mux(self.half, part.crc_next, whole.crc_next)))


class Mac(LiteXModule):
    """Between a PHY of 8 bits and streams of 64 bits, with crossings of 16 beats."""

    class Phy(LiteXModule):
        dw = 8

        def __init__(self):
            self.sink = stream.Endpoint(eth_phy_description(self.dw))
            self.source = stream.Endpoint(eth_phy_description(self.dw))

    def __init__(self):
        self.phy = self.Phy()
        self.core = LiteEthMACCore(self.phy, 64, tx_cdc_depth=16, rx_cdc_depth=16)
        self.cd_sys = ClockDomain("sys")
        self.cd_eth_tx = ClockDomain("eth_tx")
        self.cd_eth_rx = ClockDomain("eth_rx")
        datapath = self.core.rx_datapath
        self.ios = {datapath.preamble_errors.status, datapath.crc_errors.status}
        for domain in (self.cd_sys, self.cd_eth_tx, self.cd_eth_rx):
            self.ios |= {domain.clk, domain.rst}
        for endpoint in (self.phy.sink, self.phy.source, self.core.sink, self.core.source):
            self.ios |= set(endpoint.flatten())


def write(folder, name, module):
    text = str(verilog.convert(module, module.ios, name=name))
    # The PHY's clocks by the names of the pins that they come from.
    text = text.replace("eth_tx_clk", "gmii_tx_clk").replace("eth_rx_clk", "gmii_rx_clk")
    (folder / f"{name}.v").write_text(text)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    write(target, "liteeth_crc32c_64_32", Crc32c())
    write(target, "liteeth_mac_64", Mac())
