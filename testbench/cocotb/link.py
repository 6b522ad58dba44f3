"""The hard block's place: between cocotbext-pcie's root complex and the RNIC's streams.

A hard block of an FPGA answers configuration requests itself and hands every other packet to the
user as a stream. `HardBlock` is that as a device of cocotbext-pcie.
"""

import cocotb
from cocotb.queue import Queue
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource
from cocotbext.pcie.core import Device, Endpoint
from cocotbext.pcie.core.caps import MsixCapability
from cocotbext.pcie.core.tlp import Tlp, TlpType
from cocotbext.pcie.core.utils import PcieId

BAR_BYTES = 1 << 20
CONFIGURATION = {
    TlpType.CFG_READ_0, TlpType.CFG_WRITE_0, TlpType.CFG_READ_1, TlpType.CFG_WRITE_1,
}
# Tags of the requests that a case makes itself; the root complex uses the lower ones.
OWN_TAGS = range(128, 256)


class Function(Endpoint):
    """The configuration space that the hard block has of the RNIC."""

    def __init__(self):
        super().__init__()
        self.vendor_id = 0x1B36
        self.device_id = 0x4957
        self.class_code = 0x028000
        self.revision_id = 1
        self.msix_cap = MsixCapability()
        self.register_capability(self.msix_cap)
        self.msix_cap.msix_table_size = 15
        self.msix_cap.msix_table_offset = 0x1000
        self.msix_cap.msix_pba_offset = 0x2000
        self.configure_bar(0, BAR_BYTES)


class HardBlock(Device):
    """Takes packets from the root complex to the streams and back.

    `change` may be set to a function from a packet for the RNIC to those that it gets instead.
    `seen` has every packet of the RNIC's.
    """

    def __init__(self, dut):
        super().__init__()
        self.dut = dut
        self.function = Function()
        self.append_function(self.function)
        self.into = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_pcie"), dut.clock)
        self.out = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_pcie"), dut.clock)
        self.change = None
        self.swallow = False
        self.seen = []
        self.malformed = []
        self.answers = {tag: Queue() for tag in OWN_TAGS}
        self.next_tag = 0
        cocotb.start_soon(self.carry())

    def configured(self):
        """Tells the RNIC what is in configuration space."""
        capability = self.function.pcie_cap
        self.dut.max_payload.value = capability.max_payload_size
        self.dut.max_read.value = capability.max_read_request_size
        self.dut.requester.value = int(self.function.pcie_id)
        pins = {
            "bus_master_enable": self.function.bus_master_enable,
            "msix_enable": self.function.msix_cap.msix_enable,
            "msix_function_mask": self.function.msix_cap.msix_function_mask,
            "completion_timeout_disable": False,
        }
        for name, value in pins.items():
            if hasattr(self.dut, name):
                getattr(self.dut, name).value = int(value)

    async def upstream_recv(self, tlp):
        """What comes from the root complex."""
        if tlp.fmt_type in CONFIGURATION:
            await super().upstream_recv(tlp)
            return
        tlp.release_fc()
        for changed in self.change(tlp) if self.change else [tlp]:
            self.push(changed)

    def push(self, tlp, error=False):
        """Gives the RNIC a packet as it is: a `Tlp`, or octets."""
        data = tlp if isinstance(tlp, (bytes, bytearray)) else tlp.pack()
        frame = AxiStreamFrame(bytes(data))
        frame.tuser = [0] * (len(data) - 1) + [int(error)]
        self.into.send_nowait(frame)

    async def carry(self):
        """What comes from the RNIC."""
        while True:
            frame = await self.out.recv()
            octets = bytes(frame.tdata)
            try:
                tlp = Tlp.unpack(octets)
                assert tlp.check() and len(octets) == tlp.get_size()
            except Exception as why:  # whatever the library finds wrong with it
                self.malformed.append((octets, why))
                continue
            self.seen.append(tlp)
            if tlp.is_completion() and tlp.tag in self.answers:
                self.answers[tlp.tag].put_nowait(tlp)
            elif not self.swallow:
                await self.upstream_port.send(tlp)

    def tag(self):
        """A tag that was not used lately."""
        self.next_tag = (self.next_tag + 1) % len(OWN_TAGS)
        return OWN_TAGS[self.next_tag]

    async def ask(self, tlp):
        """Sends a non-posted request and gives its completion."""
        tlp.tag = self.tag()
        self.push(tlp)
        return await self.answers[tlp.tag].get()

    def write(self, offset, value, enables=0xF, wide=False):
        """Writes a word of BAR 0."""
        tlp = request(TlpType.MEM_WRITE_64 if wide else TlpType.MEM_WRITE, offset, enables, wide)
        tlp.data = bytearray(value.to_bytes(4, "little"))
        self.push(tlp)

    async def read(self, offset):
        """Reads a word of BAR 0."""
        completion = await self.ask(request(TlpType.MEM_READ, offset))
        return int.from_bytes(completion.data, "little")


def request(kind, offset, enables=0xF, wide=False, length=1, last=0):
    """A request to BAR 0, which the bus has at some address or, if `wide`, at one above 4 GiB."""
    tlp = Tlp()
    tlp.fmt_type = kind
    tlp.address = (0x20_0000_0000 if wide else 0xE000_0000) + offset
    tlp.length = length
    tlp.first_be = enables
    tlp.last_be = last
    tlp.requester_id = PcieId(0, 0, 0)
    return tlp
