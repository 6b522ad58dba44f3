//! A difference, as a person reads it.

use super::compare::Difference;
use super::programme::Programme;
use super::run::{run, Records};
use super::shrink::shrink;
use super::side::Make;
use std::fmt;

/// A difference that a seed shows, and the shortest programme that was found to show it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The seed.
    pub seed: u64,
    /// The difference that the whole programme shows, and the number of the event.
    pub whole: (usize, Difference),
    /// The events that it takes, by number and as they print; none if it was not shrunk.
    pub kept: Vec<(usize, String)>,
    /// The difference that these show.
    pub small: Option<Difference>,
}

impl Finding {
    /// What a seed's programme has shown.
    pub fn new(seed: u64, whole: (usize, Difference)) -> Self {
        Self { seed, whole, kept: Vec::new(), small: None }
    }

    /// Shrinks the programme.
    pub fn shrunk(mut self, make: &Make) -> Self {
        let programme = Programme::of(self.seed);
        let numbers = shrink(&programme, make);
        let small = programme.keep(&numbers);
        let lines = small.events.iter().map(|event| format!("{event:?}"));
        self.kept = numbers.into_iter().zip(lines).collect();
        self.small = run(&small, make, &Records::default()).difference.map(|(_, it)| it);
        self
    }

    fn numbers(&self) -> String {
        let numbers: Vec<_> = self.kept.iter().map(|(number, _)| number.to_string()).collect();
        numbers.join(",")
    }
}

/// The longest view that is printed whole, in characters.
const VIEW: usize = 2000;

fn cut(view: &str) -> String {
    match view.char_indices().nth(VIEW) {
        Some((end, _)) => format!("{} …", &view[..end]),
        None => view.to_owned(),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        writeln!(f, "  hardware: {}", cut(&self.rtl))?;
        write!(f, "  model:    {}", cut(&self.model))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seed, (at, difference)) = (self.seed, &self.whole);
        let programme = Programme::of(seed);
        writeln!(f, "seed {seed}, event {at}: {difference}")?;
        if let Some(event) = programme.events.get(*at) {
            writeln!(f, "  event:    {event:?}")?;
        }
        writeln!(f, "again: DIFFERENTIAL_SEED={seed} cargo test -p ironwarp-testbench \\")?;
        writeln!(f, "           --test differential")?;
        writeln!(f, "   or: ./ironwarp differential --seed {seed}")?;
        if let Some(small) = &self.small {
            writeln!(f, "{} of {} events show:", self.kept.len(), programme.events.len())?;
            for (number, event) in &self.kept {
                writeln!(f, "  {number:3} {event}")?;
            }
            writeln!(f, "{small}")?;
            let numbers = self.numbers();
            writeln!(f, "again: ./ironwarp differential --seed {seed} --keep {numbers} \\")?;
            writeln!(f, "           --wave seed{seed}.fst --capture seed{seed}.pcapng")?;
        }
        Ok(())
    }
}
