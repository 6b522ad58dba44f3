//! A TAP interface of the kernel.

use super::port::Port;
use ironwarp_driver::sleep::Source;
use ironwarp_driver::Error;
use std::io;
use std::sync::Arc;
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

/// The interface, from the side of the cable.
pub(crate) struct Tap(Arc<SyncDevice>);

impl Tap {
    /// Attaches to the interface of that name, or makes it. Whether it is up and what addresses
    /// it has is left to its owner.
    pub fn open(name: &str) -> Result<Self, Error> {
        let failed = |source| Error::System { what: "the TAP interface", source };
        let builder = DeviceBuilder::new().name(name).layer(Layer::L2).inherit_enable_state();
        let device = builder.build_sync().map_err(failed)?;
        device.set_nonblocking(true).map_err(failed)?;
        Ok(Self(Arc::new(device)))
    }
}

impl Port for Tap {
    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.0.send(frame).map(|_| ())
    }

    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.recv(into)
    }

    fn inlet(&self) -> Source {
        self.0.clone()
    }

    fn outlet(&self) -> Source {
        self.0.clone()
    }
}
