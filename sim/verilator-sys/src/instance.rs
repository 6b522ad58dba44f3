//! One instance of a Verilated module: the only place that talks to C++.
#![allow(unsafe_code)]

use crate::waveform::{Waveform, WaveformError};
use crate::Port;
use std::ffi::c_void;
use std::path::Path;
use std::ptr::NonNull;

/// The functions that the generated C++ of one module offers, and the module's ports.
#[derive(Debug)]
pub struct Vtable {
    /// The module's name.
    pub name: &'static str,
    /// Its ports, in the order in which `create` fills in their addresses.
    pub ports: &'static [Port],
    /// Makes a model with a context of its own and writes the address of each port's storage.
    pub create: unsafe extern "C" fn(ports: *mut *mut u8) -> *mut c_void,
    /// Ends what `create` made.
    pub delete: unsafe extern "C" fn(model: *mut c_void),
    /// Settles the model.
    pub eval: unsafe extern "C" fn(model: *mut c_void),
    /// Attaches a `VerilatedVcdC`, if the module was built with waveforms.
    pub trace: Option<unsafe extern "C" fn(model: *mut c_void, vcd: *mut c_void)>,
}

/// Storage types of Verilator's ports up to 64 bits.
///
/// Sealed: implemented for `u8`, `u16`, `u32` and `u64`, for which every bit pattern is a value.
pub trait Word: Copy + sealed::Sealed {
    /// The low bits of `value`, which fit after the port's width was applied.
    fn truncate(value: u64) -> Self;
    /// The value, widened.
    fn widen(self) -> u64;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! words {
    ($($word:ty)*) => { $(
        impl sealed::Sealed for $word {}
        impl Word for $word {
            #[inline]
            fn truncate(value: u64) -> Self {
                value as $word
            }
            #[inline]
            fn widen(self) -> u64 {
                self.into()
            }
        }
    )* };
}
words!(u8 u16 u32 u64);

/// One instance of a Verilated module. Generated types wrap it and name its ports.
#[derive(Debug)]
pub struct Instance {
    vtable: &'static Vtable,
    model: NonNull<c_void>,
    /// The address of each port's storage inside the model, in the order of `vtable.ports`.
    storage: Box<[*mut u8]>,
    waveform: Option<Waveform>,
}

// SAFETY: a model and its context are reached through this object alone, and Verilator keeps no
// state per thread beyond a pointer to the context that it sets anew in every `eval`.
unsafe impl Send for Instance {}

impl Instance {
    /// Makes an instance whose registers hold their initial values. Inputs are zero.
    ///
    /// # Safety
    /// `vtable` must describe one module as [`crate::build`] generates it: `create` fills in
    /// exactly one valid address per port, of storage as [`Port::bytes`] says, which lives until
    /// `delete`.
    pub unsafe fn new(vtable: &'static Vtable) -> Self {
        let mut storage = vec![std::ptr::null_mut(); vtable.ports.len()].into_boxed_slice();
        // SAFETY: the caller vouches for the table; `storage` has one slot per port.
        let model = unsafe { (vtable.create)(storage.as_mut_ptr()) };
        let model = NonNull::new(model).expect("C++ `new` throws rather than return null");
        Self { vtable, model, storage, waveform: None }
    }

    /// The module's name.
    pub fn name(&self) -> &'static str {
        self.vtable.name
    }

    /// The module's ports.
    pub fn ports(&self) -> &'static [Port] {
        self.vtable.ports
    }

    /// Lets the model settle after inputs changed.
    #[inline]
    pub fn eval(&mut self) {
        // SAFETY: `model` came from `create` and is deleted only in `drop`.
        unsafe { (self.vtable.eval)(self.model.as_ptr()) }
    }

    /// Reads a port of up to 64 bits.
    ///
    /// # Panics
    /// When there is no such port or it is not stored as a `T`.
    #[inline]
    pub fn read<T: Word>(&self, port: usize) -> T {
        assert_eq!(self.vtable.ports[port].bytes(), size_of::<T>());
        // SAFETY: the address is valid and, by the line above, holds a value of T's size;
        // Verilator aligns it naturally.
        unsafe { self.storage[port].cast::<T>().read() }
    }

    /// Drives a port of up to 64 bits, dropping bits beyond its width.
    ///
    /// # Panics
    /// As [`Instance::read`].
    #[inline]
    pub fn write<T: Word>(&mut self, port: usize, value: T) {
        let shape = &self.vtable.ports[port];
        assert_eq!(shape.bytes(), size_of::<T>());
        let value = T::truncate(value.widen() & (u64::MAX >> (64 - shape.width)));
        // SAFETY: as in `read`, and `self` is borrowed for writing.
        unsafe { self.storage[port].cast::<T>().write(value) }
    }

    /// Reads a port wider than 64 bits.
    ///
    /// # Panics
    /// When there is no such port or it has not `N` words.
    #[inline]
    pub fn read_wide<const N: usize>(&self, port: usize) -> [u32; N] {
        assert_eq!(self.vtable.ports[port].bytes(), 4 * N);
        assert!(N > 2);
        // SAFETY: the address is valid and holds N words.
        unsafe { self.storage[port].cast::<[u32; N]>().read() }
    }

    /// Drives a port wider than 64 bits, dropping bits beyond its width.
    ///
    /// # Panics
    /// As [`Instance::read_wide`].
    #[inline]
    pub fn write_wide<const N: usize>(&mut self, port: usize, mut value: [u32; N]) {
        let shape = &self.vtable.ports[port];
        assert_eq!(shape.bytes(), 4 * N);
        assert!(N > 2);
        value[N - 1] &= u32::MAX >> ((32 - shape.width % 32) % 32);
        // SAFETY: as in `read_wide`, and `self` is borrowed for writing.
        unsafe { self.storage[port].cast::<[u32; N]>().write(value) }
    }

    /// Reads any port as words; words beyond its width become zero.
    ///
    /// # Panics
    /// When there is no such port.
    pub fn read_words(&self, port: usize, value: &mut [u32]) {
        let words = self.vtable.ports[port].words();
        let narrow = match self.vtable.ports[port].bytes() {
            1 => self.read::<u8>(port).widen(),
            2 => self.read::<u16>(port).widen(),
            4 => self.read::<u32>(port).widen(),
            8 => self.read::<u64>(port),
            _ => {
                // SAFETY: a port wider than 64 bits is stored as `words` words.
                let stored =
                    unsafe { std::slice::from_raw_parts(self.storage[port].cast::<u32>(), words) };
                for (i, word) in value.iter_mut().enumerate() {
                    *word = stored.get(i).copied().unwrap_or(0);
                }
                return;
            }
        };
        for (i, word) in value.iter_mut().enumerate() {
            *word = if i < 2 { (narrow >> (32 * i)) as u32 } else { 0 };
        }
    }

    /// Drives any port from words; bits beyond its width are dropped, missing words are zero.
    ///
    /// # Panics
    /// When there is no such port.
    pub fn write_words(&mut self, port: usize, value: &[u32]) {
        let word = |i: usize| value.get(i).copied().unwrap_or(0);
        let narrow = u64::from(word(0)) | u64::from(word(1)) << 32;
        let shape = self.vtable.ports[port];
        match shape.bytes() {
            1 => self.write(port, narrow as u8),
            2 => self.write(port, narrow as u16),
            4 => self.write(port, narrow as u32),
            8 => self.write(port, narrow),
            _ => {
                // SAFETY: as in `read_words`, and `self` is borrowed for writing.
                let stored = unsafe {
                    std::slice::from_raw_parts_mut(self.storage[port].cast(), shape.words())
                };
                for (i, stored) in stored.iter_mut().enumerate() {
                    *stored = word(i);
                }
                let spare = (32 - shape.width % 32) % 32;
                stored[shape.words() - 1] &= u32::MAX >> spare;
            }
        }
    }

    /// Starts a waveform; see [`crate::VerilatedModel::open_waveform`].
    ///
    /// # Errors
    /// As there.
    pub fn open_waveform(&mut self, path: &Path) -> Result<(), WaveformError> {
        self.close_waveform()?;
        let attach = self.vtable.trace.ok_or(WaveformError::NotBuilt(self.vtable.name))?;
        // SAFETY: the model lives, and `attach` is its own trace function.
        let waveform = Waveform::open(path, |vcd| unsafe { attach(self.model.as_ptr(), vcd) })?;
        self.waveform = Some(waveform);
        Ok(())
    }

    /// Writes the values that changed, at `time` in picoseconds.
    #[inline]
    pub fn dump(&mut self, time: u64) {
        if let Some(waveform) = &mut self.waveform {
            waveform.dump(time);
        }
    }

    /// Finishes the waveform, if one is open.
    ///
    /// # Errors
    /// The first error that writing the file met.
    pub fn close_waveform(&mut self) -> Result<(), WaveformError> {
        self.waveform.take().map_or(Ok(()), Waveform::close)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Verilator wants a waveform closed before its model ends. An error that nobody asked
        // for by closing it has nowhere to go.
        let _ = self.close_waveform();
        // SAFETY: `model` came from `create`, and nothing uses it after this.
        unsafe { (self.vtable.delete)(self.model.as_ptr()) }
    }
}
