//! Constants of a circuit that are named in Rust.
use rust_hdl::core::probe::Probe;
use rust_hdl::prelude::*;

/// The value `V` in `W` bits. A kernel cannot name a Rust constant; a field of this type can, and a
/// block that has such fields can still derive `Default`.
#[derive(Clone, Copy, Debug)]
pub struct Literal<const W: usize, const V: u64>(Constant<Bits<W>>);

impl<const W: usize, const V: u64> Literal<W, V> {
    /// The value.
    pub fn val(&self) -> Bits<W> {
        self.0.val()
    }
}

impl<const W: usize, const V: u64> Default for Literal<W, V> {
    fn default() -> Self {
        Self(Constant::new(V.to_bits()))
    }
}

impl<const W: usize, const V: u64> Logic for Literal<W, V> {
    fn update(&mut self) {}
}

impl<const W: usize, const V: u64> Block for Literal<W, V> {
    fn connect_all(&mut self) {}

    fn update_all(&mut self) {}

    fn has_changed(&self) -> bool {
        false
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        self.0.accept(name, probe);
    }
}
