//! Writes the C++ shim and the Rust type of a module.

use super::header::Declared;
use super::Model;
use crate::{Direction, Port};
use std::fmt::Write;

/// The C++ between Verilator's class and [`crate::Vtable`].
pub(crate) fn shim(model: &Model, ports: &[Declared], waveforms: bool) -> String {
    let name = &model.name;
    let addresses: String = ports
        .iter()
        .enumerate()
        .map(|(i, p)| {
            format!("    ports[{i}] = reinterpret_cast<uint8_t*>(&m->model.{});\n", p.symbol)
        })
        .collect();
    let mut text = format!(
        "#include \"V{name}.h\"\n#include \"verilated_vcd_c.h\"\nnamespace {{\n\
         struct Shim_{name} final {{\n    VerilatedContext context;\n    V{name} model;\n    \
         Shim_{name}() : context{{}}, model{{traced(&context), \"top\"}} {{}}\n    \
         static VerilatedContext* traced(VerilatedContext* c) {{ c->traceEverOn({waveforms}); \
         return c; }}\n}};\n}}\nextern \"C\" {{\n\
         void* verilated_{name}_create(uint8_t** ports) {{\n    \
         auto* const m = new Shim_{name};\n{addresses}    \
         // Power on with a low clock: else a first rising edge would go unseen.\n    \
         m->model.eval();\n    return m;\n}}\n\
         void verilated_{name}_delete(void* m) {{\n    \
         static_cast<Shim_{name}*>(m)->model.final();\n    \
         delete static_cast<Shim_{name}*>(m);\n}}\n\
         void verilated_{name}_eval(void* m) {{ static_cast<Shim_{name}*>(m)->model.eval(); }}\n"
    );
    if waveforms {
        let _ = writeln!(
            text,
            "void verilated_{name}_trace(void* m, void* vcd) {{\n    \
             static_cast<Shim_{name}*>(m)->model.trace(static_cast<VerilatedVcdC*>(vcd), 99);\n}}"
        );
    }
    text + "}\n"
}

/// The Rust file of a module.
pub(crate) fn rust(model: &Model, ports: &[Declared], waveforms: bool) -> String {
    let name = &model.name;
    let kind = camel(name);
    let table: String = ports
        .iter()
        .map(|p| {
            format!(
                "    ::verilator_sys::Port {{ name: {:?}, width: {}, direction: \
                 ::verilator_sys::Direction::{:?} }},\n",
                p.name, p.width, p.direction
            )
        })
        .collect();
    let trace_declared = match waveforms {
        true => format!("    fn verilated_{name}_trace(model: Model, vcd: Model);\n"),
        false => String::new(),
    };
    let trace = match waveforms {
        true => format!("Some(verilated_{name}_trace)"),
        false => "None".to_owned(),
    };
    let accessors: String = ports.iter().enumerate().map(|(i, p)| accessor(i, p)).collect();
    format!(
        "type Model = *mut ::core::ffi::c_void;\n\nextern \"C\" {{\n    \
         fn verilated_{name}_create(ports: *mut *mut u8) -> Model;\n    \
         fn verilated_{name}_delete(model: Model);\n    \
         fn verilated_{name}_eval(model: Model);\n{trace_declared}}}\n\n\
         static PORTS: &[::verilator_sys::Port] = &[\n{table}];\n\n\
         static VTABLE: ::verilator_sys::Vtable = ::verilator_sys::Vtable {{\n    \
         name: {name:?},\n    ports: PORTS,\n    create: verilated_{name}_create,\n    \
         delete: verilated_{name}_delete,\n    eval: verilated_{name}_eval,\n    \
         trace: {trace},\n}};\n\n\
         /// An instance of the Verilated module `{name}`.\n#[derive(Debug)]\n\
         pub struct {kind}(::verilator_sys::Instance);\n\n\
         impl Default for {kind} {{\n    fn default() -> Self {{\n        Self::new()\n    \
         }}\n}}\n\n\
         #[allow(dead_code, clippy::wrong_self_convention)]\nimpl {kind} {{\n    \
         /// An instance with its registers at their initial values and all inputs zero.\n    \
         #[allow(unsafe_code)]\n    pub fn new() -> Self {{\n        \
         // SAFETY: the table and the C++ behind it were generated together.\n        \
         Self(unsafe {{ ::verilator_sys::Instance::new(&VTABLE) }})\n    }}\n\n    \
         /// Lets the model settle after inputs changed.\n    #[inline]\n    \
         pub fn eval(&mut self) {{\n        self.0.eval();\n    }}\n{accessors}}}\n\n{}",
        view(&kind)
    )
}

/// The getter of a port, and the setter of an input.
fn accessor(index: usize, port: &Declared) -> String {
    let rust = identifier(&port.name);
    let width = port.width;
    let (kind, read, write) = match (Port { name: "", width, direction: port.direction }).bytes() {
        1 if width == 1 => (
            "bool".to_owned(),
            format!("self.0.read::<u8>({index}) != 0"),
            format!("self.0.write({index}, u8::from(value))"),
        ),
        n @ (1 | 2 | 4 | 8) => (
            format!("u{}", 8 * n),
            format!("self.0.read({index})"),
            format!("self.0.write({index}, value)"),
        ),
        n => (
            format!("[u32; {}]", n / 4),
            format!("self.0.read_wide({index})"),
            format!("self.0.write_wide({index}, value)"),
        ),
    };
    let name = &port.name;
    let s = if width == 1 { "" } else { "s" };
    let mut text = format!(
        "\n    /// Port `{name}`, {width} bit{s}.\n    #[inline]\n    \
         pub fn {rust}(&self) -> {kind} {{\n        {read}\n    }}\n"
    );
    if port.direction == Direction::In {
        let setter = rust.trim_start_matches("r#");
        let _ = write!(
            text,
            "\n    /// Drives port `{name}`, {width} bit{s}; higher bits are dropped.\n    \
             #[inline]\n    pub fn set_{setter}(&mut self, value: {kind}) {{\n        \
             {write};\n    }}\n"
        );
    }
    text
}

/// The type seen as a [`crate::VerilatedModel`].
fn view(kind: &str) -> String {
    let method = |signature: &str, call: &str| {
        format!("    fn {signature} {{\n        self.0.{call}\n    }}\n")
    };
    let error = "Result<(), ::verilator_sys::WaveformError>";
    format!(
        "impl ::verilator_sys::VerilatedModel for {kind} {{\n{}{}{}{}{}{}{}{}}}\n",
        method("name(&self) -> &'static str", "name()"),
        method("ports(&self) -> &'static [::verilator_sys::Port]", "ports()"),
        method("set_port(&mut self, port: usize, value: &[u32])", "write_words(port, value)"),
        method("port(&self, port: usize, value: &mut [u32])", "read_words(port, value)"),
        method("eval(&mut self)", "eval()"),
        method(
            &format!("open_waveform(&mut self, path: &::std::path::Path) -> {error}"),
            "open_waveform(path)"
        ),
        method("dump(&mut self, time: u64)", "dump(time)"),
        method(&format!("close_waveform(&mut self) -> {error}"), "close_waveform()"),
    )
}

/// A function that knows every model by name.
pub(crate) fn all(models: &[Model]) -> String {
    let entries: String = models
        .iter()
        .map(|m| {
            format!("        ({:?}, || Box::new({}::{}::new())),\n", m.name, m.name, camel(&m.name))
        })
        .collect();
    format!(
        "\n/// Makes an instance of a model.\n\
         pub type Make = fn() -> Box<dyn ::verilator_sys::VerilatedModel>;\n\n\
         /// Every model by its name.\npub fn all() -> &'static [(&'static str, Make)] {{\n    \
         &[\n{entries}    ]\n}}\n"
    )
}

fn camel(name: &str) -> String {
    name.split('_')
        .filter_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        })
        .collect()
}

/// A port's name as a Rust method that collides with no other.
fn identifier(name: &str) -> String {
    let name = name.replace('$', "_");
    match name.as_str() {
        "new" | "eval" | "name" | "ports" | "port" | "set_port" | "dump" | "default" | "self"
        | "open_waveform" | "close_waveform" | "super" | "crate" => name + "_",
        "type" | "match" | "ref" | "in" | "move" | "mod" | "use" | "loop" | "as" | "box" | "do"
        | "abstract" | "final" | "macro" | "override" | "priv" | "try" | "yield" | "async"
        | "await" | "dyn" | "break" | "const" | "continue" | "fn" | "impl" | "let" | "mut"
        | "pub" | "return" | "static" | "struct" | "trait" | "unsafe" | "where" | "virtual" => {
            format!("r#{name}")
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_rust() {
        assert_eq!(camel("mpa_framer2"), "MpaFramer2");
        assert_eq!(identifier("sink$valid"), "sink_valid");
        assert_eq!(identifier("type"), "r#type");
        assert_eq!(identifier("eval"), "eval_");
    }
}
