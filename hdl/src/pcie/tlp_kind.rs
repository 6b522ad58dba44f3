//! What a packet is.
use crate::pins::Ports;
use rust_hdl::prelude::*;

/// Tells the kinds of packets apart by octet 0, `Fmt` and `Type` (PCI Express Base Specification,
/// s. 2.2.1, table 2-3). At most one output is set; none for messages and for what is not defined.
/// Combinational.
#[derive(LogicBlock, Ports, Default)]
pub struct TlpKind {
    pub kind: Signal<In, Bits<8>>,
    /// The header has 16 octets, else 12.
    pub wide: Signal<Out, Bit>,
    /// MRd.
    pub read: Signal<Out, Bit>,
    /// MRdLk.
    pub locked: Signal<Out, Bit>,
    /// MWr.
    pub write: Signal<Out, Bit>,
    /// Cpl.
    pub completion: Signal<Out, Bit>,
    /// CplD.
    pub completion_data: Signal<Out, Bit>,
    /// FetchAdd or Swap: the length is that of the operand.
    pub fetch: Signal<Out, Bit>,
    /// CAS: two operands.
    pub compare: Signal<Out, Bit>,
    /// Any other non-posted request: I/O, configuration, a deferrable memory write.
    pub other: Signal<Out, Bit>,
    /// `kind` without the bit for wide headers.
    narrow: Signal<Local, Bits<8>>,
    /// Without the bit for data.
    bare: Signal<Local, Bits<8>>,
}

impl Logic for TlpKind {
    #[hdl_gen]
    fn update(&mut self) {
        self.narrow.next = self.kind.val() & 223;
        self.bare.next = self.kind.val() & 191;
        self.wide.next = self.kind.val().get_bit(5);
        self.read.next = self.narrow.val() == 0;
        self.locked.next = self.narrow.val() == 1;
        self.write.next = self.narrow.val() == 64;
        self.completion.next = self.kind.val() == 10;
        self.completion_data.next = self.kind.val() == 74;
        self.fetch.next = (self.narrow.val() == 76) | (self.narrow.val() == 77);
        self.compare.next = self.narrow.val() == 78;
        self.other.next = (self.bare.val() == 2)
            | (self.bare.val() == 4)
            | (self.bare.val() == 5)
            | (self.narrow.val() == 91);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcie::tlp::*;
    use crate::stream::bench::*;

    /// Every octet 0 there is, against the names of the specification.
    #[test]
    fn every_kind_is_what_the_table_says() {
        let mut uut = TlpKind::default();
        uut.connect_all();
        for kind in 0..=255u8 {
            uut.kind.next = kind.to_bits();
            settle!(uut);
            let named = |kinds: &[u8]| kinds.contains(&kind);
            assert_eq!(uut.read.val(), named(&[MEMORY_READ_32, MEMORY_READ_64]), "{kind:#x}");
            assert_eq!(uut.locked.val(), named(&[LOCKED_READ_32, LOCKED_READ_64]), "{kind:#x}");
            assert_eq!(uut.write.val(), named(&[MEMORY_WRITE_32, MEMORY_WRITE_64]), "{kind:#x}");
            assert_eq!(uut.completion.val(), named(&[COMPLETION]), "{kind:#x}");
            assert_eq!(uut.completion_data.val(), named(&[COMPLETION_DATA]), "{kind:#x}");
            let fetch = [FETCH_ADD_32, FETCH_ADD_64, SWAP_32, SWAP_64];
            assert_eq!(uut.fetch.val(), named(&fetch), "{kind:#x}");
            assert_eq!(uut.compare.val(), named(&[COMPARE_32, COMPARE_64]), "{kind:#x}");
            let other = [
                [IO_READ, IO_WRITE, CONFIG_READ_0, CONFIG_WRITE_0],
                [CONFIG_READ_1, CONFIG_WRITE_1, DEFERRABLE_32, DEFERRABLE_64],
            ];
            assert_eq!(uut.other.val(), named(&other.concat()), "{kind:#x}");
        }
    }
}
