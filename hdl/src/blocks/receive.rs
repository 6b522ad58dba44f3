//! The blocks of `receive` that stand alone.

blocks! {}
