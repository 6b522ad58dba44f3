//! The blocks of `mpa` that stand alone.

blocks! {}
