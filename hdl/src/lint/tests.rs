//! Each mistake is found, and its correction passes.

use super::lint;
use crate::stream::beat::*;
use rust_hdl::prelude::*;

/// A block with the ports and locals that the mistakes need, and a kernel.
///
/// What a kernel leaves alone is RustHDL's own check's business, not the lint's.
macro_rules! kernel {
    ($name:ident { $($update:tt)* }) => {
        #[derive(LogicBlock, Default)]
        struct $name {
            pub clock: Signal<In, Clock>,
            pub a: Signal<In, Bits<8>>,
            pub b: Signal<In, Bits<8>>,
            pub c: Signal<In, Bits<8>>,
            pub flag: Signal<Out, Bit>,
            pub byte_out: Signal<Out, Bits<8>>,
            pub word: Signal<Out, Bits<16>>,
            sum: Signal<Local, Bits<8>>,
            hold: DFF<Bits<8>>,
            state: DFF<State>,
        }

        impl Logic for $name {
            $($update)*
        }
    };
}

#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum State {
    Idle,
    Busy,
    Done,
}

const LIMIT: u64 = 5;

/// The findings whose text holds `what`, of a kernel that drives everything else.
fn finds<B: Block + Default>(what: &str) {
    let findings = lint(&B::default());
    assert!(findings.len() == 1 && findings[0].contains(what), "want {what:?}: {findings:#?}");
}

fn passes<B: Block + Default>() {
    assert_eq!(lint(&B::default()), [""; 0]);
}

#[derive(LogicBlock, Default)]
struct Inner {
    pub a: Signal<In, Bit>,
    pub b: Signal<Out, Bit>,
}

impl Logic for Inner {
    #[hdl_gen]
    fn update(&mut self) {
        self.b.next = self.a.val();
    }
}

#[derive(LogicBlock, Default)]
struct Taker {
    pub sink: StreamSink<Bits<8>>,
    pub got: Signal<Out, Bits<8>>,
}

impl Logic for Taker {
    #[hdl_gen]
    fn update(&mut self) {
        self.sink.ready.next = true;
        self.got.next = self.sink.beat.val();
    }
}

mod wrong {
    use super::*;

    kernel!(Grouped {
        #[hdl_gen]
        fn update(&mut self) {
            self.flag.next = self.a.val() & self.b.val() == self.c.val();
        }
    });
    kernel!(Compared {
        #[hdl_gen]
        fn update(&mut self) {
            self.flag.next = self.a.val() + 1 == self.b.val();
        }
    });
    kernel!(Less {
        #[hdl_gen]
        fn update(&mut self) {
            self.flag.next = self.b.val() < self.a.val() + 1;
        }
    });
    kernel!(Inverted {
        #[hdl_gen]
        fn update(&mut self) {
            self.flag.next = !self.a.val() == 0;
        }
    });
    kernel!(Cast {
        #[hdl_gen]
        fn update(&mut self) {
            self.word.next = bit_cast::<16, 8>(self.a.val() + self.b.val());
        }
    });
    kernel!(CastNot {
        #[hdl_gen]
        fn update(&mut self) {
            self.word.next = bit_cast::<16, 8>(!self.a.val());
        }
    });
    kernel!(Shifted {
        #[hdl_gen]
        fn update(&mut self) {
            self.byte_out.next = (self.a.val() + 1) >> 1;
        }
    });
    kernel!(ShiftedWide {
        #[hdl_gen]
        fn update(&mut self) {
            self.flag.next = ((self.a.val() + self.b.val()) >> self.c.val()) == 3;
        }
    });
    kernel!(Reduced {
        #[hdl_gen]
        fn update(&mut self) {
            self.flag.next = (self.a.val() + 1).any();
        }
    });
    kernel!(Narrowed {
        #[hdl_gen]
        fn update(&mut self) {
            self.flag.next = bit_cast::<8, 16>(self.word.val()) + self.a.val() == self.b.val();
        }
    });
    kernel!(Sliced {
        #[hdl_gen]
        fn update(&mut self) {
            self.byte_out.next = bit_cast::<8, 4>((self.a.val() ^ self.b.val()).get_bits::<4>(0));
        }
    });
    kernel!(Constant {
        #[hdl_gen]
        fn update(&mut self) {
            self.flag.next = self.a.val() == LIMIT;
        }
    });
    kernel!(Beyond {
        #[hdl_gen]
        fn update(&mut self) {
            self.byte_out.next = bit_cast::<8, 4>(self.a.val().get_bits::<4>(6));
        }
    });
    kernel!(Place {
        #[hdl_gen]
        fn update(&mut self) {
            self.flag.next = self.a.val().get_bit((self.b.val() + self.c.val()).index());
        }
    });

    #[test]
    fn precedence() {
        finds::<Grouped>("groups");
    }

    #[test]
    fn comparisons() {
        finds::<Compared>("compared at 32 bits");
        finds::<Less>("compared at 32 bits");
        finds::<Inverted>("compared at 32 bits");
        finds::<Narrowed>("compared at 16 bits");
    }

    #[test]
    fn casts() {
        finds::<Cast>("cast to more bits at 16 bits");
        finds::<CastNot>("cast to more bits");
    }

    #[test]
    fn right_shifts() {
        finds::<Shifted>("shifted right at 32 bits");
        finds::<ShiftedWide>("shifted right at 32 bits");
    }

    #[test]
    fn reductions_and_slices() {
        finds::<Reduced>("reduced at 32 bits");
        finds::<Sliced>("only a signal can be sliced");
        finds::<Beyond>("ends beyond the signal");
        finds::<Place>("as a place");
    }

    #[test]
    fn a_rust_constant() {
        finds::<Constant>("not declared in the Verilog");
    }

    kernel!(HexPattern { #[hdl_gen] fn update(&mut self) {
        dff_setup!(self, clock, hold, state);
        self.byte_out.next = self.a.val();
        self.word.next = bit_cast::<16, 8>(self.a.val());
        self.sum.next = self.a.val();
        match self.a.val().index() {
            0x06 => self.flag.next = true,
            _ => self.flag.next = false,
        }
    }});

    kernel!(LatchedIf { #[hdl_gen] fn update(&mut self) {
        dff_setup!(self, clock, hold, state);
        self.byte_out.next = self.a.val();
        self.word.next = bit_cast::<16, 8>(self.a.val());
        self.sum.next = self.a.val();
        if self.a.val().any() {
            self.flag.next = true;
        }
    }});

    // Three variants leave one of the four encodings of two bits.
    kernel!(LatchedMatch { #[hdl_gen] fn update(&mut self) {
        dff_setup!(self, clock, hold, state);
        self.byte_out.next = self.a.val();
        self.word.next = bit_cast::<16, 8>(self.a.val());
        self.sum.next = self.a.val();
        match self.state.q.val() {
            State::Idle => self.flag.next = true,
            State::Busy => self.flag.next = false,
            State::Done => self.flag.next = false,
        }
    }});

    kernel!(Undone { #[hdl_gen] fn update(&mut self) {
        self.hold.d.next = self.a.val();
        dff_setup!(self, clock, hold, state);
        self.flag.next = false;
        self.byte_out.next = self.a.val();
        self.word.next = bit_cast::<16, 8>(self.a.val());
        self.sum.next = self.a.val();
    }});

    #[test]
    fn patterns() {
        finds::<HexPattern>("not a pattern in Verilog");
    }

    #[test]
    fn latches() {
        finds::<LatchedIf>("a latch");
        finds::<LatchedMatch>("a latch");
    }

    #[test]
    fn registers_set_up_late() {
        finds::<Undone>("undoes an earlier assignment");
    }

    #[derive(LogicBlock, Default)]
    struct Keyword {
        pub a: Signal<In, Bit>,
        pub priority: Signal<Out, Bit>,
    }

    impl Logic for Keyword {
        #[hdl_gen]
        fn update(&mut self) {
            self.priority.next = self.a.val();
        }
    }

    #[derive(LogicBlock, Default)]
    struct CppKeyword {
        pub a: Signal<In, Bit>,
        pub long: Signal<Out, Bit>,
    }

    impl Logic for CppKeyword {
        #[hdl_gen]
        fn update(&mut self) {
            self.long.next = self.a.val();
        }
    }

    /// A block whose register has a name of its own.
    macro_rules! holds {
        ($name:ident, $register:ident) => {
            #[derive(LogicBlock, Default)]
            struct $name {
                pub clock: Signal<In, Clock>,
                pub a: Signal<In, Bit>,
                $register: DFF<Bit>,
            }

            impl Logic for $name {
                #[hdl_gen]
                fn update(&mut self) {
                    dff_setup!(self, clock, $register);
                    self.$register.d.next = self.a.val();
                }
            }
        };
    }
    holds!(HoldsEnd, end);
    holds!(HoldsInside, inside);
    holds!(HoldsRegister, register);
    holds!(HoldsTrace, trace);

    #[derive(LogicBlock, Default)]
    struct HasInitial {
        pub a: Signal<In, Bit>,
        pub b: Signal<Out, Bit>,
        initial: Inner,
    }

    impl Logic for HasInitial {
        #[hdl_gen]
        fn update(&mut self) {
            self.initial.a.next = self.a.val();
            self.b.next = self.initial.b.val();
        }
    }

    #[test]
    fn keywords() {
        finds::<Keyword>("top: a SystemVerilog keyword: priority");
        finds::<CppKeyword>("top: a word of C++ or Verilator: long");
    }

    #[test]
    fn registers_and_blocks_with_keywords_for_names() {
        finds::<HoldsEnd>("top: a SystemVerilog keyword: end");
        finds::<HoldsInside>("top: a SystemVerilog keyword: inside");
        finds::<HoldsRegister>("top: a word of C++ or Verilator: register");
        finds::<HoldsTrace>("top: a word of C++ or Verilator: trace");
        finds::<HasInitial>("top: a SystemVerilog keyword: initial");
    }

    /// An interface's port is linked outwards, and the kernel reads the inner end as well.
    #[derive(LogicBlock, Default)]
    struct ReadsLinked {
        pub a: Signal<In, Bit>,
        pub sink: StreamSink<Bits<8>>,
        pub seen: Signal<Out, Bit>,
        inner: Taker,
    }

    impl Logic for ReadsLinked {
        #[hdl_gen]
        fn update(&mut self) {
            StreamSink::<Bits<8>>::link(&mut self.sink, &mut self.inner.sink);
            self.seen.next = self.inner.sink.ready.val();
        }
    }

    #[test]
    fn ports_that_are_linked_outwards() {
        finds::<ReadsLinked>("use sink$ready: inner$sink$ready");
    }

    /// A port called as the assignment is, of a block inside.
    #[derive(LogicBlock, Default)]
    struct TakesNext {
        pub next: StreamSink<Bits<8>>,
    }

    impl Logic for TakesNext {
        #[hdl_gen]
        fn update(&mut self) {
            self.next.ready.next = self.next.valid.val();
        }
    }

    #[derive(LogicBlock, Default)]
    struct LinksNext {
        pub a: Signal<In, Bit>,
        pub sink: StreamSink<Bits<8>>,
        inner: TakesNext,
    }

    impl Logic for LinksNext {
        #[hdl_gen]
        fn update(&mut self) {
            StreamSink::<Bits<8>>::link(&mut self.sink, &mut self.inner.next);
        }
    }

    #[test]
    fn links_by_names_that_are_none() {
        finds::<LinksNext>("top: linked, but no port has this name: inner");
    }

    kernel!(InvertedBit { #[hdl_gen] fn update(&mut self) {
        dff_setup!(self, clock, hold, state);
        self.byte_out.next = self.a.val().replace_bit(2, !self.b.val().get_bit(1));
    }});
    kernel!(InvertedPart { #[hdl_gen] fn update(&mut self) {
        dff_setup!(self, clock, hold, state);
        self.flag.next = self.c.val().any();
        self.byte_out.next = self.a.val().replace_bit(2, (!self.b.val().any()) | self.flag.val());
    }});

    #[test]
    fn inversions_as_bits() {
        finds::<InvertedBit>("put in as a bit");
        finds::<InvertedPart>("put in as a bit");
    }
}

mod right {
    use super::*;

    kernel!(Good { #[hdl_gen] fn update(&mut self) {
        dff_setup!(self, clock, hold, state);
        self.sum.next = self.a.val() + 1;
        self.flag.next = (self.a.val() & self.b.val()) == self.c.val();
        self.byte_out.next = self.sum.val() >> 1;
        self.word.next = bit_cast::<16, 8>(self.sum.val());
        if (self.sum.val() == self.b.val()) & !self.sum.val().any() {
            self.flag.next = self.sum.val().get_bit(7);
        }
        match self.state.q.val() {
            State::Idle => {
                self.state.d.next = State::Busy;
                self.hold.d.next = self.hold.q.val() + 1;
            }
            State::Busy => self.state.d.next = State::Done,
            _ => self.state.d.next = State::Idle,
        }
        for i in 0..8 {
            if self.a.val().get_bit(i) {
                self.byte_out.next = self.byte_out.val().replace_bit(7 - i, true);
            }
        }
    }});

    #[test]
    fn a_kernel_that_keeps_the_rules() {
        passes::<Good>();
    }

    kernel!(EveryPath { #[hdl_gen] fn update(&mut self) {
        dff_setup!(self, clock, hold, state);
        self.flag.next = false;
        self.sum.next = self.a.val() + self.b.val();
        self.byte_out.next = self.a.val();
        if self.a.val().any() {
            self.word.next = 1.into();
        } else if self.b.val().any() {
            self.word.next = 2.into();
        } else {
            self.word.next = 3.into();
        }
    }});

    kernel!(InsertedBits { #[hdl_gen] fn update(&mut self) {
        dff_setup!(self, clock, hold, state);
        self.byte_out.next = self
            .a
            .val()
            .replace_bit(2, self.flag.val() & !self.b.val().any())
            .replace_bit(3, self.a.val() != self.b.val());
    }});

    /// The outer end of a link may be read, and so may the inner end's other ports.
    #[derive(LogicBlock, Default)]
    struct Linked {
        pub sink: StreamSink<Bits<8>>,
        pub seen: Signal<Out, Bit>,
        pub got: Signal<Out, Bits<8>>,
        inner: Taker,
    }

    impl Logic for Linked {
        #[hdl_gen]
        fn update(&mut self) {
            StreamSink::<Bits<8>>::link(&mut self.sink, &mut self.inner.sink);
            self.seen.next = self.sink.valid.val();
            self.got.next = self.inner.got.val();
        }
    }

    #[test]
    fn bits_and_links() {
        passes::<InsertedBits>();
        passes::<Linked>();
    }

    #[test]
    fn if_and_else_together_drive() {
        passes::<EveryPath>();
    }

    #[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
    struct Pair {
        low: Bits<8>,
        high: Bits<8>,
    }

    #[derive(LogicBlock, Default)]
    struct Fields {
        pub a: Signal<In, Bits<8>>,
        pub pair: Signal<Out, Pair>,
        pub half: Signal<Out, Bits<8>>,
        half_pair: Signal<Local, Pair>,
    }

    impl Logic for Fields {
        #[hdl_gen]
        fn update(&mut self) {
            self.pair.next.low = self.a.val();
            self.pair.next.high = self.a.val();
            self.half_pair.next.low = self.a.val();
            self.half.next = self.half_pair.val().low;
        }
    }

    #[test]
    fn a_struct_is_driven_field_by_field() {
        finds::<Fields>(
            "a latch: not driven on every path; assign it before the first if: half_pair",
        );
    }
}
