//! A Verilated module behaves as a Rust object should.

use ironwarp_testbench::verilated::specimen::Specimen;
use verilator_sys::{Direction, VerilatedModel, WaveformError};

fn clock(model: &mut Specimen) {
    model.set_clock(true);
    model.eval();
    model.set_clock(false);
    model.eval();
}

#[test]
fn steps_and_keeps_instances_apart() {
    let (mut counting, mut idle) = (Specimen::new(), Specimen::new());
    counting.set_enable(true);
    counting.set_wide([3, 0, u32::MAX]);
    for _ in 0..5000 {
        clock(&mut counting);
        clock(&mut idle);
    }
    assert_eq!(counting.count(), 5000 % 4096);
    assert_eq!((idle.count(), idle.mixed()), (0, [0; 3]));
}

#[test]
fn wide_ports_hold_their_width_and_no_more() {
    let mut model = Specimen::new();
    model.set_enable(true);
    model.set_wide([0x0123_4567, 0x89ab_cdef, u32::MAX]);
    assert_eq!(model.wide(), [0x0123_4567, 0x89ab_cdef, 0x1ff], "73 bits");
    clock(&mut model);
    assert_eq!(model.mixed(), [0x0123_4567, 0x89ab_cdef, 0x1ff]);
    assert_eq!(model.part(), 0x1_0123_4567);
    clock(&mut model);
    // Turned left by one, then the same again by exclusive or.
    assert_eq!(model.mixed(), [0x0365_cfa8, 0x9afc_5631, 0], "one turn");
}

#[test]
fn the_uniform_view_agrees_with_the_named_one() {
    let mut model = Specimen::new();
    let ports = model.ports();
    let find = |name: &str| ports.iter().position(|p| p.name == name).expect(name);
    let (enable, wide, part) = (find("enable"), find("wide"), find("part"));
    assert_eq!((ports[wide].width, ports[wide].direction), (73, Direction::In));
    assert_eq!((ports[part].width, ports[part].direction), (33, Direction::Out));
    model.set_port(enable, &[3]);
    model.set_port(wide, &[7, 9]);
    assert!(model.enable());
    assert_eq!(model.wide(), [7, 9, 0]);
    clock(&mut model);
    let mut words = [!0; 4];
    model.port(part, &mut words);
    assert_eq!(words, [7, 1, 0, 0]);
}

#[test]
fn an_instance_moves_to_another_thread() {
    let mut model: Box<dyn VerilatedModel> = Box::new(Specimen::new());
    let find = |name: &str| model.ports().iter().position(|p| p.name == name).expect(name);
    let (clock, enable, count) = (find("clock"), find("enable"), find("count"));
    let value = std::thread::spawn(move || {
        model.set_port(enable, &[1]);
        model.eval();
        model.set_port(clock, &[1]);
        model.eval();
        let mut value = [0];
        model.port(count, &mut value);
        value[0]
    });
    assert_eq!(value.join().unwrap(), 1);
}

#[test]
fn waveforms_are_written_in_both_formats() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["w.vcd", "w.fst"] {
        let path = folder.path().join(name);
        let mut model = Specimen::new();
        model.open_waveform(&path).unwrap();
        model.set_enable(true);
        for time in 0..100 {
            model.set_clock(time % 2 == 1);
            model.eval();
            model.dump(time * 3200);
        }
        model.close_waveform().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.len() > 500, "{name}: {} bytes", bytes.len());
    }
    let vcd = std::fs::read_to_string(folder.path().join("w.vcd")).unwrap();
    assert!(vcd.contains("$timescale") && vcd.contains("\n#316800\n"), "{vcd}");
}

#[test]
fn a_waveform_that_cannot_be_written_is_an_error() {
    let mut model = Specimen::new();
    let folder = tempfile::tempdir().unwrap();
    let odd = model.open_waveform(&folder.path().join("w.png"));
    assert!(matches!(odd, Err(WaveformError::UnknownFormat(_))), "{odd:?}");
    let absent = model.open_waveform(&folder.path().join("no/such/w.fst"));
    assert!(matches!(absent, Err(WaveformError::Io { .. })), "{absent:?}");
    // And the model still works.
    clock(&mut model);
}
