//! The blocks of `stream` that stand alone.

blocks! {}
