//! Lists of codes: one list gives the Rust constants and their documentation.

/// Defines constants of type `u8`, and `ALL` with every one of them.
macro_rules! codes {
    ($($(#[doc = $about:literal])* $value:literal $name:ident,)*) => {
        $($(#[doc = $about])* pub const $name: u8 = $value;)*
        /// Every code: value, name, meaning.
        pub const ALL: &[(u8, &str, &str)] =
            &[$(($value, stringify!($name), concat!($($about),*))),*];
    };
}
pub(crate) use codes;
