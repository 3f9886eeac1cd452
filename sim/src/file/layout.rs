//! JSON for people: what fits a line stands on one, everything else has a line for each part.
//!
//! Guarantees: the same values; the same text for the same values. Called by writers of files.

/// Characters of a line. A choice: what fits a terminal.
const COLUMNS: usize = 100;
/// Blanks of one level.
const INDENT: usize = 2;

/// Lays out JSON that has no blanks between its parts.
pub fn laid_out(compact: &str) -> String {
    let mut layout = Layout {
        text: compact,
        out: String::with_capacity(compact.len() * 2),
    };
    layout.value(0, 0);
    layout.out.push('\n');
    layout.out
}

struct Layout<'t> {
    text: &'t str,
    out: String,
}

impl Layout<'_> {
    /// Writes the value at the beginning of what is left, on a line that is `used` wide.
    fn value(&mut self, depth: usize, used: usize) {
        let (line, is_whole) = one_line(self.text, COLUMNS.saturating_sub(used));
        let opening = self.text.as_bytes().first().copied();
        if is_whole || !matches!(opening, Some(b'{' | b'[')) {
            let end = if is_whole { line } else { scalar(self.text) };
            let (now, rest) = self.text.split_at(end);
            spaced(now, &mut self.out);
            self.text = rest;
            return;
        }
        self.take(1);
        let mut used = COLUMNS;
        loop {
            used = self.part(depth + 1, used);
            if opening == Some(b'{') {
                let key = scalar(self.text) + 1;
                self.take(key);
                self.out.push(' ');
                used += key + 1;
            }
            let begins = self.text.len();
            self.value(depth + 1, used + 1);
            used += begins - self.text.len() + 2;
            if !self.text.starts_with(',') {
                break;
            }
            self.take(1);
        }
        self.new_line(depth);
        self.take(1);
    }

    /// Begins a part, numbers on the line of the last one if they fit; returns how wide it is now.
    fn part(&mut self, depth: usize, used: usize) -> usize {
        let is_number = !self.text.starts_with(['"', '{', '[']);
        if is_number && used + scalar(self.text) < COLUMNS {
            self.out.push(' ');
            return used;
        }
        self.new_line(depth);
        depth * INDENT
    }

    fn take(&mut self, bytes: usize) {
        let (now, rest) = self.text.split_at(bytes.min(self.text.len()));
        self.out.push_str(now);
        self.text = rest;
    }

    fn new_line(&mut self, depth: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', depth * INDENT));
    }
}

/// The end of the value at the beginning of `text`, and whether it is no wider than `width` with
/// its blanks; the search ends where it is wider.
fn one_line(text: &str, width: usize) -> (usize, bool) {
    let (mut open, mut wide, mut at) = (0_usize, 0, 0);
    while wide <= width && at < text.len() {
        let byte = text.as_bytes()[at];
        let part = if byte == b'"' { scalar(&text[at..]) } else { 1 };
        match byte {
            b'{' | b'[' => open += 1,
            b'}' | b']' if open > 0 => open -= 1,
            b',' | b'}' | b']' if open == 0 => return (at, true),
            _ => {}
        }
        wide += part + usize::from(matches!(byte, b',' | b':'));
        at += part;
        let is_closed = open == 0 && matches!(byte, b'}' | b']' | b'"');
        if is_closed && wide <= width {
            return (at, true);
        }
    }
    (at, at == text.len() && wide <= width)
}

/// The end of the string, number or word at the beginning of `text`.
fn scalar(text: &str) -> usize {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b':');
        return bytes.iter().position(ends).unwrap_or(bytes.len());
    }
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Writes a line with a blank behind every comma and colon between parts.
fn spaced(line: &str, out: &mut String) {
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let part = match first {
            '"' => scalar(rest),
            other => other.len_utf8(),
        };
        out.push_str(&rest[..part]);
        if matches!(first, ',' | ':') {
            out.push(' ');
        }
        rest = &rest[part..];
    }
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, laid_out};
    use serde_json::{Value, json};

    fn round(value: &Value) -> String {
        let text = laid_out(&value.to_string());
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), *value);
        text
    }

    #[test]
    fn what_fits_stands_on_one_line() {
        let value = json!({"a": [1, -2.5, null], "b": {"c": "x,:{y"}});
        let line = "{\"a\": [1, -2.5, null], \"b\": {\"c\": \"x,:{y\"}}\n";
        assert_eq!(round(&value), line);
        assert_eq!(round(&json!([])), "[]\n");
        assert_eq!(round(&json!("a\"b\\")), "\"a\\\"b\\\\\"\n");
    }

    #[test]
    fn numbers_fill_their_lines() {
        let text = round(&json!({"values": (0..1000).collect::<Vec<u32>>()}));
        assert!(text.lines().count() < 70, "{text}");
        assert!(text.lines().all(|line| line.len() <= COLUMNS));
    }

    #[test]
    fn what_does_not_fit_has_a_line_for_each_part_and_no_line_is_too_wide() {
        let task = json!({"name": "producer", "after": ["a", "b"], "duration_ns": 4000});
        let value = json!({"tasks": vec![task; 9], "x": 1, "long": "y".repeat(300)});
        let text = round(&value);
        let wide = text.lines().filter(|line| line.chars().count() > COLUMNS);
        assert_eq!(wide.count(), 1, "{text}");
        assert!(text.contains("\n    {\"after\": [\"a\", \"b\"], \"duration_ns\": 4000"));
        assert_eq!(text.lines().count(), 1 + 1 + 9 + 1 + 2 + 1, "{text}");
    }
}
