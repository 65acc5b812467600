//! Counting test cases in what test runners print.

use std::fmt;

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Test cases, or steps that have none.
    pub passed: usize,
    /// The same.
    pub failed: usize,
}

impl Tally {
    /// A check without cases of its own that succeeded.
    pub const ONE: Tally = Tally { passed: 1, failed: 0 };

    /// Both together.
    pub fn plus(self, other: Tally) -> Tally {
        Tally { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }

    /// What one line of output reports: cargo's `test result: ok. 3 passed; 0 failed; ..`, Node's `# pass 3` and `# fail 0`.
    pub fn of_line(line: &str) -> Option<Tally> {
        let line = without_colours(line);
        let line = line.trim();
        if let Some(result) = line.strip_prefix("test result: ") {
            return Some(Tally { passed: before(result, " passed")?, failed: before(result, " failed")? });
        }
        let node = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))?;
        let (kind, count) = node.split_once(' ')?;
        let count = count.parse().ok()?;
        match kind {
            "pass" => Some(Tally { passed: count, failed: 0 }),
            // A cancelled test has not passed.
            "fail" | "cancelled" => Some(Tally { passed: 0, failed: count }),
            _ => None,
        }
    }

    /// The count of a finished program, from the sum of its lines and whether it succeeded: one that reports no case counts
    /// as one, and one that fails without saying what failed has a failure all the same.
    pub fn of_program(lines: Tally, success: bool) -> Tally {
        match (lines, success) {
            (Tally { passed: 0, failed: 0 }, true) => Tally::ONE,
            (Tally { failed: 0, .. }, false) => Tally { failed: 1, ..lines },
            _ => lines,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The number right before `word`.
fn before(text: &str, word: &str) -> Option<usize> {
    text[..text.find(word)?].rsplit(' ').next()?.parse().ok()
}

/// The line without terminal escapes such as `ESC[32m`.
fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain += part.split_once('m').map_or(part, |(_, rest)| rest);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_cargo_and_node_are_counted() {
        let tally = |passed, failed| Some(Tally { passed, failed });
        let cargo = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s";
        assert_eq!(Tally::of_line(cargo), tally(12, 3));
        let coloured = "test result: \u{1b}[32mok\u{1b}(B\u{1b}[m. 7 passed; 0 failed; 0 ignored";
        assert_eq!(Tally::of_line(coloured), tally(7, 0));
        assert_eq!(Tally::of_line("# pass 41"), tally(41, 0));
        assert_eq!(Tally::of_line("\u{1b}[34mℹ fail 2\u{1b}[39m"), tally(0, 2));
        assert_eq!(Tally::of_line("ℹ cancelled 1"), tally(0, 1));
        for other in ["# tests 41", "ok 1 - # pass", "running 3 tests", "# duration_ms 12.5", "# pass many"] {
            assert_eq!(Tally::of_line(other), None, "{other}");
        }
    }

    #[test]
    fn a_program_counts_at_least_once() {
        let cases = |passed, failed| Tally { passed, failed };
        assert_eq!(Tally::of_program(Tally::default(), true), Tally::ONE);
        assert_eq!(Tally::of_program(Tally::default(), false), cases(0, 1));
        assert_eq!(Tally::of_program(cases(5, 0), false), cases(5, 1));
        assert_eq!(Tally::of_program(cases(5, 2), false), cases(5, 2));
        assert_eq!(Tally::of_program(cases(5, 0), true), cases(5, 0));
    }

    #[test]
    fn the_closing_line_is_plain() {
        assert_eq!(Tally { passed: 5, failed: 0 }.to_string(), "5 passed, 0 failed");
    }
}
