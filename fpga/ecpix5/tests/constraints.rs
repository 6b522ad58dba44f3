//! The constraints and the circuit speak of the same pins.

use ironwarp_ecpix5::{whole, CONSTRAINTS};
use ironwarp_hdl::pins::{PinVisitor, Words};
use std::collections::BTreeSet;

/// Every bit of every port, as nextpnr calls it.
#[derive(Default)]
struct Ports(BTreeSet<String>);

impl Ports {
    fn note(&mut self, name: &str, width: usize) {
        match width {
            1 => self.0.extend([name.to_owned()]),
            _ => self.0.extend((0..width).map(|bit| format!("{name}[{bit}]"))),
        }
    }
}

impl PinVisitor for Ports {
    fn input(&mut self, name: &str, width: usize) -> Option<Words> {
        self.note(name, width);
        None
    }

    fn output(&mut self, name: &str, width: usize, _: &dyn Fn() -> Words) {
        self.note(name, width);
    }
}

/// What stands in quotes in the lines that begin so.
fn quoted(start: &str) -> Vec<Vec<&str>> {
    let lines = CONSTRAINTS.lines().filter(|line| line.starts_with(start));
    lines.map(|line| line.split('"').skip(1).step_by(2).collect()).collect()
}

#[test]
fn every_pin_has_one_place_and_one_standard() {
    let mut ports = Ports::default();
    (whole()[0].make)().pins(&mut ports);
    let located = quoted("LOCATE COMP");
    let names: BTreeSet<String> = located.iter().map(|line| line[0].to_owned()).collect();
    let sites: BTreeSet<&str> = located.iter().map(|line| line[1]).collect();
    assert_eq!(names, ports.0);
    assert_eq!((located.len(), sites.len()), (names.len(), names.len()), "a pin or site twice");
    let standards: BTreeSet<String> =
        quoted("IOBUF PORT").iter().map(|line| line[0].to_owned()).collect();
    assert_eq!(standards, ports.0);
}
