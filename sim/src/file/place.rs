//! Where in a JSON text something stands: found by walking down from the top.
//!
//! Guarantees: a position for every text and every path; where the path ends early, the place up
//! to which it exists. Called for what is valid JSON and wrong all the same.

use std::fmt;

/// One step down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'n> {
    /// To the value of this field of an object.
    Field(&'n str),
    /// To this element of an array, from 0.
    At(usize),
}

/// A place in a text, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}, column {}", self.line, self.column)
    }
}

/// Where the value at the end of `steps` begins.
pub fn locate(text: &str, steps: &[Step<'_>]) -> Position {
    let mut walk = Walk {
        text: text.as_bytes(),
        at: 0,
    };
    walk.blanks();
    for step in steps {
        let found = match *step {
            Step::Field(name) => walk.field(name),
            Step::At(nth) => walk.element(nth),
        };
        match found {
            Some(at) => walk.at = at,
            None => break,
        }
    }
    // A string that does not end is walked past the end of the text.
    let before = text.get(..walk.at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

struct Walk<'t> {
    text: &'t [u8],
    at: usize,
}

impl Walk<'_> {
    fn byte(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or_default()
    }

    fn blanks(&mut self) {
        while self.byte().is_ascii_whitespace() {
            self.at += 1;
        }
    }

    /// Past blanks and at most one of `mark`.
    fn past(&mut self, mark: u8) {
        self.blanks();
        if self.byte() == mark {
            self.at += 1;
        }
        self.blanks();
    }

    /// Where the value of a field of the object here begins.
    fn field(&self, name: &str) -> Option<usize> {
        let mut walk = self.inside(b'{')?;
        while walk.byte() == b'"' {
            let key = walk.at;
            walk.value();
            let key = &walk.text[key..walk.at.min(walk.text.len())];
            walk.past(b':');
            if serde_json::from_slice::<String>(key).is_ok_and(|key| key == name) {
                return Some(walk.at);
            }
            walk.value();
            walk.past(b',');
        }
        None
    }

    /// Where an element of the array here begins.
    fn element(&self, nth: usize) -> Option<usize> {
        let mut walk = self.inside(b'[')?;
        for _ in 0..nth {
            walk.value();
            walk.past(b',');
        }
        Some(walk.at)
    }

    fn inside(&self, opening: u8) -> Option<Self> {
        let mut walk = Self {
            text: self.text,
            at: self.at + 1,
        };
        walk.blanks();
        (self.byte() == opening).then_some(walk)
    }

    /// Past the value here.
    fn value(&mut self) {
        let mut open = 0_usize;
        loop {
            match self.byte() {
                b'"' => self.string(),
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' if open > 0 => {
                    open -= 1;
                    self.at += 1;
                }
                b'}' | b']' | 0 => return,
                b',' if open == 0 => return,
                byte if open == 0 && byte.is_ascii_whitespace() => return,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            if open == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.at += 1;
        while !matches!(self.byte(), b'"' | 0) {
            self.at += if self.byte() == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{At, Field};
    use super::{Position, Step, locate};

    const TEXT: &str = "{ \"a]\\\"\": [1, {\"b\": \"}\"}],\n  \"c\": [ {}, [ 7,8 ],\n -9 ] }";

    fn found(steps: &[Step<'_>]) -> (usize, usize) {
        let Position { line, column } = locate(TEXT, steps);
        (line, column)
    }

    #[test]
    fn every_value_is_found_past_strings_that_look_like_structure() {
        assert_eq!(found(&[]), (1, 1));
        assert_eq!(found(&[Field("a]\""), At(1), Field("b")]), (1, 21));
        assert_eq!(found(&[Field("c"), At(1), At(1)]), (2, 18));
        assert_eq!(found(&[Field("c"), At(2)]), (3, 2));
    }

    #[test]
    fn a_path_that_ends_early_is_the_place_where_it_ends() {
        assert_eq!(found(&[Field("c"), Field("x")]), (2, 8));
        assert_eq!(found(&[At(0)]), (1, 1));
    }

    #[test]
    fn any_text_and_any_path_have_a_place() {
        for end in (0..=TEXT.len()).filter(|&end| TEXT.is_char_boundary(end)) {
            for steps in [[Field("c"), At(2)], [Field("a]\""), At(9)]] {
                assert!(locate(&TEXT[..end], &steps).line <= 3);
            }
        }
    }
}
