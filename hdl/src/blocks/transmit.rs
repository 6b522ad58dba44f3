//! The blocks of `transmit` that stand alone.

blocks! {}
