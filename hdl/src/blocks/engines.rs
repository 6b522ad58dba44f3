//! Engines that are whole: the tools for the FPGA measure them. They stand in no lockstep, since
//! all that is in them does.
use crate::complete::CompletionWriter;
use crate::control::Control;
use crate::pcie::Pcie;

blocks! {
    pcie: Pcie::default(),
    control: Control::default(),
    completion_writer: CompletionWriter::default(),
}
