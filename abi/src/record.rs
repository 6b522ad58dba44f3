//! Fixed-layout records: one table of fields gives the Rust type, its words and its documentation.

/// One field of a [`record!`](crate::record!): where it lies, counted in bits from bit 0 of word 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The field's name, as in the Rust type.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
    /// First bit, counted from bit 0 of word 0.
    pub offset: usize,
    /// Width in bits, 1 to 64.
    pub width: usize,
}

impl Field {
    /// The word that holds the field's first bit.
    pub const fn word(&self) -> usize {
        self.offset / 32
    }

    /// The position of the field's first bit in its [`word`](Self::word).
    pub const fn bit(&self) -> usize {
        self.offset % 32
    }

    /// The field's bits, at bit 0.
    const fn mask(&self) -> u64 {
        u64::MAX >> (64 - self.width)
    }

    /// Reads the field out of little-endian 32-bit words.
    pub fn get(&self, words: &[u32]) -> u64 {
        // 64 bits that begin anywhere lie in at most three words.
        let words = words[self.word()..].iter().take(3);
        let bits = words.rev().fold(0, |bits, word| bits << 32 | u128::from(*word));
        (bits >> self.bit()) as u64 & self.mask()
    }

    /// Writes the low [`width`](Self::width) bits of `value` into the words.
    pub fn set(&self, words: &mut [u32], value: u64) {
        let mut keep = !(u128::from(self.mask()) << self.bit());
        let mut bits = u128::from(value & self.mask()) << self.bit();
        for word in words[self.word()..].iter_mut().take(3) {
            *word = *word & keep as u32 | bits as u32;
            (keep, bits) = (keep >> 32, bits >> 32);
        }
    }
}

/// A Rust type that a record's field can have.
pub trait FieldValue: Copy {
    /// The value as bits.
    fn to_bits(self) -> u64;
    /// The value from the field's bits.
    fn from_bits(bits: u64) -> Self;
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl FieldValue for $t {
            fn to_bits(self) -> u64 { self as u64 }
            fn from_bits(bits: u64) -> Self { bits as $t }
        }
    )*};
}
integers!(u8, u16, u32, u64);

impl FieldValue for bool {
    fn to_bits(self) -> u64 {
        u64::from(self)
    }
    fn from_bits(bits: u64) -> Self {
        bits & 1 == 1
    }
}

/// Defines a record of `WORDS` little-endian 32-bit words: `name: type = [word:bit; width]`.
#[macro_export]
macro_rules! record {
    ($(#[doc = $about:literal])* $name:ident, $words:literal words {
        $($(#[doc = $doc:literal])* $field:ident : $ty:ty =
            [$word:literal : $bit:literal ; $width:literal]),* $(,)?
    }) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name { $($(#[doc = $doc])* pub $field: $ty),* }

        impl $name {
            /// The record's size in 32-bit words.
            pub const WORDS: usize = $words;
            /// The record's size in bytes.
            pub const BYTES: usize = 4 * $words;
            /// What the record is.
            pub const ABOUT: &'static str = concat!($($about, "\n"),*);
            /// The layout, in the order of definition.
            pub const FIELDS: &'static [$crate::record::Field] = &[$($crate::record::Field {
                name: stringify!($field),
                about: concat!($($doc),*),
                offset: 32 * $word + $bit,
                width: $width,
            }),*];

            /// The record as it lies in memory or in a context table.
            pub fn to_words(&self) -> [u32; $words] {
                let mut words = [0; $words];
                let mut fields = Self::FIELDS.iter();
                $(if let Some(field) = fields.next() {
                    field.set(&mut words, $crate::record::FieldValue::to_bits(self.$field));
                })*
                words
            }

            /// Reads the record back; bits outside every field are ignored.
            pub fn from_words(words: &[u32; $words]) -> Self {
                let mut fields = Self::FIELDS.iter();
                Self { $($field: fields
                    .next()
                    .map(|field| $crate::record::FieldValue::from_bits(field.get(words)))
                    .unwrap_or_default()),* }
            }

            /// The record's bytes, words little-endian.
            pub fn to_bytes(&self) -> [u8; 4 * $words] {
                let mut bytes = [0; 4 * $words];
                for (chunk, word) in bytes.chunks_exact_mut(4).zip(self.to_words()) {
                    chunk.copy_from_slice(&word.to_le_bytes());
                }
                bytes
            }

            /// Reads the record from its bytes.
            pub fn from_bytes(bytes: &[u8; 4 * $words]) -> Self {
                let mut words = [0; $words];
                for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
                    *word = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
                }
                Self::from_words(&words)
            }
        }
    };
}
