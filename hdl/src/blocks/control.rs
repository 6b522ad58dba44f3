//! The blocks of `control` that stand alone.

blocks! {}
