//! The blocks of `pcie` that stand alone.

blocks! {}
