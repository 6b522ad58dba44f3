//! The layouts hold together: nothing overlaps, everything fits, and the page is fresh.

use ironwarp_abi::context::*;
use ironwarp_abi::queue::*;
use ironwarp_abi::record::Field;
use ironwarp_abi::registers;
use ironwarp_abi::reserved::{self, Reserved};
use std::path::Path;

fn check(name: &str, words: usize, fields: &[Field]) {
    let mut used = vec![None; 32 * words];
    for field in fields {
        assert!((1..=64).contains(&field.width), "{name}.{}", field.name);
        for bit in &mut used[field.offset..field.offset + field.width] {
            assert_eq!(*bit, None, "{name}.{} overlaps", field.name);
            *bit = Some(field.name);
        }
    }
}

#[test]
fn fields_do_not_overlap_and_fit_their_records() {
    macro_rules! check_all { ($($t:ident),*) => { $(
        check(stringify!($t), $t::WORDS, $t::FIELDS);
        let ones = $t::from_words(&[u32::MAX; $t::WORDS]);
        assert_eq!($t::from_bytes(&ones.to_bytes()), ones);
        assert_eq!($t::from_words(&[0; $t::WORDS]), $t::default());
    )* } }
    check_all!(QueuePairContext, CompletionQueueContext, MemoryRegionContext, FlowContext);
    check_all!(FlowBucketContext, NextHopContext);
    check_all!(SendRequest, ReceiveRequest, CompletionEntry);
}

/// What is kept by name lies in its record, or in the window behind it, and in nobody's field.
#[test]
fn reserved_ranges_touch_no_field() {
    let window = registers::CONTEXT_WINDOW_WORDS;
    let records: [(&str, &[Field], usize); 5] = [
        ("QueuePairContext", QueuePairContext::FIELDS, window),
        ("MemoryRegionContext", MemoryRegionContext::FIELDS, window),
        ("SendRequest", SendRequest::FIELDS, SendRequest::WORDS),
        ("ReceiveRequest", ReceiveRequest::FIELDS, ReceiveRequest::WORDS),
        ("CompletionEntry", CompletionEntry::FIELDS, CompletionEntry::WORDS),
    ];
    for Reserved { record, field } in reserved::ALL {
        let (_, fields, words) = records.iter().find(|(name, ..)| name == record).unwrap();
        let end = field.offset + field.width;
        assert!(end <= 32 * words, "{record}.{}", field.name);
        for used in *fields {
            let apart = end <= used.offset || used.offset + used.width <= field.offset;
            assert!(apart, "{record}.{} lies in {}", field.name, used.name);
        }
    }
    for (list, value, _) in reserved::CODES {
        let used = if *list == "SendRequest.opcode" { opcode::ALL } else { table::ALL };
        assert!(used.iter().all(|(code, ..)| code != value), "{list} {value}");
    }
}

#[test]
fn registers_are_distinct_words_in_ascending_order() {
    for pair in registers::ALL.windows(2) {
        assert!(pair[0].address < pair[1].address, "{} {}", pair[0].name, pair[1].name);
    }
    for register in registers::ALL {
        assert!(register.address % 4 == 0 && register.address < registers::MSIX_TABLE);
        for field in register.fields {
            assert!(field.low <= field.high && field.high < 32, "{}", register.name);
        }
    }
}

#[test]
fn a_field_across_words_keeps_its_value() {
    let context = QueuePairContext {
        local_mac: 0x0200_0000_0001,
        remote_mac: 0x1234_5678_9abc,
        ..Default::default()
    };
    let words = context.to_words();
    assert_eq!(words[7..10], [0x0000_0001, 0x9abc_0200, 0x1234_5678]);
    assert_eq!(QueuePairContext::from_words(&words), context);
}

#[test]
fn the_page_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/registers.md");
    let page = ironwarp_abi::markdown::page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(page == written, "stale: UPDATE_DOCS=1 cargo test -p ironwarp-abi");
}
