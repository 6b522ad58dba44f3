//! The whole device, as one block.
use crate::top::Rnic;

blocks! {
    rnic: Rnic::default(),
}
