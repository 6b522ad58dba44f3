//! A block's ports as a test bench wants them: by name, as words, whatever their types.
//!
//! RustHDL lets a program look at every signal, but drive only those whose type it knows. [`Pin`]
//! says how a type is made from bits, and [`Pins`] walks a block's ports.

use crate::stream::beat::{StreamSink, StreamSource};
use rust_hdl::prelude::*;

pub use ironwarp_hdl_derive::{Pin, Ports};

/// A bundle of bits, as little-endian 32-bit words: bit `n` is bit `n % 32` of word `n / 32`.
pub type Words = Vec<u32>;

/// A type that a port can have. A `LogicStruct` or `LogicState` derives it.
pub trait Pin: Synth {
    /// The value that the bits from `offset` up stand for. Bits beyond the words are zero.
    fn from_bits(words: &[u32], offset: usize) -> Self;
}

/// Bit `index` of `words`, zero beyond their end.
fn bit(words: &[u32], index: usize) -> bool {
    words.get(index / 32).is_some_and(|word| (word >> (index % 32)) & 1 == 1)
}

impl Pin for Bit {
    fn from_bits(words: &[u32], offset: usize) -> Self {
        bit(words, offset)
    }
}

impl Pin for Clock {
    fn from_bits(words: &[u32], offset: usize) -> Self {
        Clock { clk: bit(words, offset) }
    }
}

impl<const N: usize> Pin for Bits<N> {
    fn from_bits(words: &[u32], offset: usize) -> Self {
        let set = (0..N).filter(|&i| bit(words, offset + i));
        set.fold(Self::default(), |value, i| value.replace_bit(i, true))
    }
}

/// The number that `width` bits from `offset` up say.
#[doc(hidden)]
pub fn number(words: &[u32], offset: usize, width: usize) -> usize {
    (0..width).fold(0, |sum, i| sum | usize::from(bit(words, offset + i)) << i)
}

/// Sees the ports of a block, one by one.
pub trait PinVisitor {
    /// An input of `width` bits. What is returned drives it; `None` leaves it as it was.
    fn input(&mut self, name: &str, width: usize) -> Option<Words>;
    /// An output and its present value.
    fn output(&mut self, name: &str, width: usize, value: &dyn Fn() -> Words);
}

/// Something with ports: a signal, or an interface of several.
pub trait Pins {
    /// Shows every port to `visitor` under the name it has in the Verilog.
    fn pins(&mut self, name: &str, visitor: &mut dyn PinVisitor);
}

impl<T: Pin> Pins for Signal<In, T> {
    fn pins(&mut self, name: &str, visitor: &mut dyn PinVisitor) {
        if let Some(words) = visitor.input(name, T::BITS) {
            self.next = T::from_bits(&words, 0);
        }
    }
}

impl<T: Synth> Pins for Signal<Out, T> {
    fn pins(&mut self, name: &str, visitor: &mut dyn PinVisitor) {
        let value = self.val();
        visitor.output(name, T::BITS, &|| words(value));
    }
}

impl<T: Pin> Pins for StreamSink<T> {
    fn pins(&mut self, name: &str, visitor: &mut dyn PinVisitor) {
        self.beat.pins(&format!("{name}$beat"), visitor);
        self.valid.pins(&format!("{name}$valid"), visitor);
        self.ready.pins(&format!("{name}$ready"), visitor);
    }
}

impl<T: Pin> Pins for StreamSource<T> {
    fn pins(&mut self, name: &str, visitor: &mut dyn PinVisitor) {
        self.beat.pins(&format!("{name}$beat"), visitor);
        self.valid.pins(&format!("{name}$valid"), visitor);
        self.ready.pins(&format!("{name}$ready"), visitor);
    }
}

impl<P: Pins, const N: usize> Pins for [P; N] {
    fn pins(&mut self, name: &str, visitor: &mut dyn PinVisitor) {
        for (i, pins) in self.iter_mut().enumerate() {
            pins.pins(&format!("{name}${i}"), visitor);
        }
    }
}

/// A block that stands alone, with all its ports. A `LogicBlock` derives it.
pub trait Ports {
    /// Shows every port to `visitor`.
    fn ports(&mut self, visitor: &mut dyn PinVisitor);
}

/// The bits of a value, as its Verilog literal has them.
pub fn words<T: Synth>(value: T) -> Words {
    let text = format!("{:x}", value.verilog());
    let digits = text.split_once("'h").map_or("0", |(_, digits)| digits);
    let mut words = vec![0; T::BITS.div_ceil(32).max(1)];
    for (i, digit) in digits.bytes().rev().enumerate() {
        let digit = char::from(digit).to_digit(16).unwrap_or(0);
        if let Some(word) = words.get_mut(i / 8) {
            *word |= digit << (4 * (i % 8));
        }
    }
    words
}
