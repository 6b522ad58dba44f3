//! The whole device, as one block.

blocks! {}
