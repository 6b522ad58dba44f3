//! A structure's docstrings, from the text that it is written in.
//!
//! RustHDL's circuits know their ports' names and types, and nothing of what they mean. That is
//! said once, in the docstrings; whoever wants it in another place reads it from there.

/// What is said of a structure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Docs {
    /// Of the structure itself.
    pub about: String,
    /// Of its public fields, by their names.
    pub fields: Vec<(String, String)>,
}

impl Docs {
    /// What the first of the `sources` that has a structure of that name says about it.
    pub fn of(structure: &str, sources: &[&str]) -> Option<Self> {
        sources.iter().find_map(|source| Self::within(structure, source))
    }

    /// What is said of a field; nothing if nothing is.
    pub fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|it| it.0 == name).map_or("", |it| &it.1)
    }

    fn within(structure: &str, source: &str) -> Option<Self> {
        let mut said = String::new();
        let mut lines = source.lines().map(str::trim);
        for line in lines.by_ref() {
            let name = line.strip_prefix("pub struct ").map(|rest| name_at(rest).0);
            if name == Some(structure) {
                let mut docs = Self { about: said, fields: Vec::new() };
                docs.fields.extend(fields(lines));
                return Some(docs);
            }
            listen(&mut said, line);
        }
        None
    }
}

/// Collects a docstring: it ends with whatever is neither a part of it nor an attribute.
fn listen(said: &mut String, line: &str) {
    match line.strip_prefix("///") {
        Some(text) => {
            let text = plain(text.trim());
            let break_ = if text.is_empty() { "\n" } else { " " };
            if !said.is_empty() && !said.ends_with('\n') {
                *said += break_;
            }
            *said += &text;
        }
        None if line.starts_with("#[") => (),
        None => said.clear(),
    }
}

fn fields<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut said = String::new();
    for line in lines.take_while(|line| *line != "}") {
        if let Some((name, ":")) = line.strip_prefix("pub ").map(name_at) {
            fields.push((name.to_owned(), std::mem::take(&mut said)));
        }
        listen(&mut said, line);
    }
    fields
}

/// The name that a text begins with, and the character behind it.
fn name_at(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    (&text[..end], text.get(end..end + 1).unwrap_or(""))
}

/// Without the marks of links, which lead nowhere outside of Rust.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("[`") {
        let Some((name, after)) = from.split_once("`]") else { break };
        plain += before;
        plain += &format!("`{name}`");
        rest = after.strip_prefix('(').and_then(|to| to.split_once(')')).map_or(after, |it| it.1);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
/// Not this.
pub struct Other;

/// A thing of
/// [`Two`](x::Two) lines.
///
/// More.
#[derive(Debug)]
pub struct Thing<T> {
    /// The clock.
    pub clock: Signal,
    pub bare: Signal,
    /// Private.
    inner: DFF,
    /// One,
    /// [`Two`].
    pub last: T,
}

/// Beyond.
pub beyond: u8,
";

    #[test]
    fn docstrings_are_found_by_name() {
        let docs = Docs::of("Thing", &["", SOURCE]).unwrap();
        assert_eq!(docs.about, "A thing of `Two` lines.\nMore.");
        assert_eq!(docs.field("clock"), "The clock.");
        assert_eq!(docs.field("bare"), "");
        assert_eq!(docs.field("last"), "One, `Two`.");
        assert_eq!(docs.fields.len(), 3);
        assert_eq!(Docs::of("Thin", &[SOURCE]), None);
    }
}
