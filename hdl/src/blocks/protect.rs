//! The blocks of `protect` that stand alone.

blocks! {}
