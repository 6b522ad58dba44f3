//! The blocks of `memory` that stand alone.

blocks! {}
