//! The blocks of `complete` that stand alone.

blocks! {}
