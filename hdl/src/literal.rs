//! Constants of a circuit that are named in Rust.
use rust_hdl::core::probe::Probe;
use rust_hdl::prelude::*;
use std::marker::PhantomData;

/// A value that is known when the circuit is made.
pub trait Value {
    /// The value.
    const VALUE: u64;
}

/// A number that stands for itself.
#[derive(Clone, Copy, Debug)]
pub struct Number<const V: u64>;

impl<const V: u64> Value for Number<V> {
    const VALUE: u64 = V;
}

/// The value `V` in `W` bits. A kernel cannot name a Rust constant; a field of this type can, and a
/// block that has such fields can still derive `Default`.
pub type Literal<const W: usize, const V: u64> = Derived<W, Number<V>>;

/// As [`Literal`], for a value that follows from a block's parameters.
#[derive(Clone, Copy, Debug)]
pub struct Derived<const W: usize, V>(Constant<Bits<W>>, PhantomData<V>);

impl<const W: usize, V> Derived<W, V> {
    /// The value.
    pub fn val(&self) -> Bits<W> {
        self.0.val()
    }
}

impl<const W: usize, V: Value> Default for Derived<W, V> {
    fn default() -> Self {
        Self(Constant::new(V::VALUE.to_bits()), PhantomData)
    }
}

impl<const W: usize, V> Logic for Derived<W, V> {
    fn update(&mut self) {}
}

impl<const W: usize, V> Block for Derived<W, V> {
    fn connect_all(&mut self) {}

    fn update_all(&mut self) {}

    fn has_changed(&self) -> bool {
        false
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        self.0.accept(name, probe);
    }
}
