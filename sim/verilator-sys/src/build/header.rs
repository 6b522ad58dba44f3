//! Reads a module's ports from the C++ header that Verilator writes.

use crate::Direction;

/// A port as the header declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// As the C++ calls it, such as `sink__024valid`.
    pub symbol: String,
    /// As the Verilog calls it, such as `sink$valid`.
    pub name: String,
    pub width: u32,
    pub direction: Direction,
}

/// The ports that `VL_IN8(&clock,0,0);` and its like declare, in order of their names: Verilator
/// sorts them by size, which a wider port would change.
pub(crate) fn ports(header: &str) -> Result<Vec<Declared>, String> {
    let lines = header.lines().map(str::trim).filter(|l| l.starts_with("VL_"));
    let mut ports = Vec::new();
    for line in lines {
        let direction = match line {
            _ if line.starts_with("VL_INOUT") => return Err(format!("bidirectional port: {line}")),
            _ if line.starts_with("VL_IN") => Direction::In,
            _ if line.starts_with("VL_OUT") => Direction::Out,
            _ => continue,
        };
        ports.push(port(line, direction).ok_or_else(|| format!("port not understood: {line}"))?);
    }
    ports.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(ports)
}

fn port(line: &str, direction: Direction) -> Option<Declared> {
    let (_, arguments) = line.strip_suffix(");")?.split_once('(')?;
    let mut arguments = arguments.split(',');
    let symbol = arguments.next()?.trim_start_matches('&').to_owned();
    let high: u32 = arguments.next()?.trim().parse().ok()?;
    let low: u32 = arguments.next()?.trim().parse().ok()?;
    let name = decode(&symbol);
    Some(Declared { symbol, name, width: high - low + 1, direction })
}

/// Undoes Verilator's escapes: `__0` and two hex digits stand for one character.
fn decode(symbol: &str) -> String {
    let mut name = String::new();
    let mut rest = symbol;
    while let Some(at) = rest.find("__0") {
        let Some(code) = rest.get(at + 3..at + 5).and_then(|h| u8::from_str_radix(h, 16).ok())
        else {
            break;
        };
        name += &rest[..at];
        name.push(char::from(code));
        rest = &rest[at + 5..];
    }
    name + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_sizes_and_escapes() {
        let header = "class V {\n    VL_IN8(&clock,0,0);\n    VL_OUT64(&q,63,0);\n\
                      VL_INW(&sink__024beat,72,0,3);\n    VL_OUT16(&a___05Fb,11,0);\n";
        let ports = ports(header).unwrap();
        let seen: Vec<_> = ports.iter().map(|p| (p.name.as_str(), p.width)).collect();
        assert_eq!(seen, [("a__b", 12), ("clock", 1), ("q", 64), ("sink$beat", 73)]);
        assert_eq!(ports[3].symbol, "sink__024beat");
        assert_eq!(ports[3].direction, Direction::In);
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        assert!(ports("VL_INOUT8(&pad,0,0);").is_err());
        assert!(ports("VL_IN8(&pad,WIDTH,0);").is_err());
    }
}
