//! The gate of the receive side: it knows every page before it answers.
use crate::control::records::ContextWrite;
use crate::pins::Ports;
use crate::protect::records::*;
use crate::protect::{Gate, PageWalker};
use crate::receive::gate_walk::GateWalk;
use crate::receive::notes::WriteAnswer;
use crate::stream::*;
use rust_hdl::prelude::*;

/// Joins the [`Gate`] and the [`PageWalker`] by a [`GateWalk`].
///
/// ```text
/// question --> Gate --> GateWalk --> answer, pieces
///                         |  ^
///                      PageWalker --> line
/// ```
#[derive(LogicBlock, Ports, Default)]
pub struct WriteGate {
    pub clock: Signal<In, Clock>,
    pub context_write: Signal<In, ContextWrite>,
    /// Its length fits in 16 bits. It stays until the answer is taken.
    pub question: StreamSink<GateQuestion>,
    pub answer: StreamSource<WriteAnswer>,
    pub pieces: StreamSource<Piece>,
    /// Reads of lines of page lists, one at a time.
    pub line: StreamSource<PageLine>,
    pub line_data: StreamSink<Beat>,
    gate: Gate,
    walk: GateWalk,
    pages: PageWalker,
}

impl Logic for WriteGate {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, gate, walk, pages);
        self.gate.context_write.next = self.context_write.val();
        self.pages.context_write.next = self.context_write.val();
        self.walk.length.next = self.question.beat.val().length;
        StreamSink::<GateQuestion>::link(&mut self.question, &mut self.gate.question);
        StreamSource::<GateAnswer>::join(&mut self.gate.answer, &mut self.walk.from_gate);
        StreamSource::<Extent>::join(&mut self.walk.extent, &mut self.pages.extent);
        StreamSource::<Piece>::join(&mut self.pages.piece, &mut self.walk.piece);
        StreamSource::<WriteAnswer>::link(&mut self.answer, &mut self.walk.answer);
        StreamSource::<Piece>::link(&mut self.pieces, &mut self.walk.pieces);
        StreamSource::<PageLine>::link(&mut self.line, &mut self.pages.line);
        StreamSink::<Beat>::link(&mut self.line_data, &mut self.pages.data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emits_verilog() {
        crate::queue::elaborate("write_gate", &mut WriteGate::default());
    }
}
