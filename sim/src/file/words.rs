//! What the JSON parser says, in the words of people who write JSON.
//!
//! Guarantees: names of types of this program become kinds and ranges; what is not known stays as
//! the parser said it. Called for every text that is refused.

/// `said`, a message of `serde_json`, without its place.
pub(super) fn plain(said: &str) -> String {
    if let Some(what) = said.strip_prefix("EOF while parsing ") {
        return format!("the file ends inside {what}");
    }
    let wrong = said
        .strip_prefix("invalid type: ")
        .or_else(|| said.strip_prefix("invalid value: "));
    if let Some((found, wanted)) = wrong.and_then(|wrong| wrong.rsplit_once(", expected ")) {
        return format!(
            "{} stands where {} belongs",
            found_as(found),
            wanted_as(wanted)
        );
    }
    let length = said.strip_prefix("invalid length ");
    if let Some((length, wanted)) = length.and_then(|rest| rest.split_once(", expected ")) {
        return format!(
            "a list of {length} stands where {} belongs",
            wanted_as(wanted)
        );
    }
    said.to_owned()
}

/// What stands there.
fn found_as(found: &str) -> &str {
    match found {
        "map" => "an object",
        "sequence" => "a list",
        "null" => "null",
        _ => match found.split_once(' ') {
            Some(("integer" | "boolean", value)) => value.trim_matches('`'),
            Some(("string", text)) => text,
            Some(("floating", rest)) => rest.trim_start_matches("point ").trim_matches('`'),
            _ => found,
        },
    }
}

/// What should stand there.
fn wanted_as(wanted: &str) -> String {
    let whole = |most: u64| format!("a whole number from 0 to {most}");
    match wanted {
        "u8" => whole(u8::MAX.into()),
        "u16" => whole(u16::MAX.into()),
        "u32" => whole(u32::MAX.into()),
        "u64" => whole(u64::MAX),
        "f32" | "f64" => "a number".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a map" | "map with a single key" | "object with a single key" => "an object".to_owned(),
        "a string" | "variant identifier" => "a text".to_owned(),
        "string or map" => "a text or an object".to_owned(),
        _ => kind(wanted).unwrap_or(wanted).to_owned(),
    }
}

/// The kind of a type that has a name here.
fn kind(wanted: &str) -> Option<&'static str> {
    match wanted.split_once(' ')? {
        ("struct" | "enum", _) => Some("an object"),
        ("a", rest) if rest.starts_with("tuple of size 2") => Some("a list of two"),
        ("tuple", "of 2 elements") => Some("a list of two"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::plain;
    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    #[derive(Debug, Deserialize)]
    struct Object {
        #[serde(rename = "word")]
        _word: u16,
    }

    #[derive(Debug, Deserialize)]
    enum Choice {
        #[serde(rename = "one")]
        One {
            #[serde(rename = "flag")]
            _flag: bool,
        },
    }

    fn said<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
        let error = serde_json::from_str::<T>(text).unwrap_err().to_string();
        let (said, _) = error.split_once(" at line ").unwrap();
        plain(said)
    }

    #[test]
    fn types_become_kinds_and_ranges() {
        let whole = |found: &str, most: u64| {
            format!("{found} stands where a whole number from 0 to {most} belongs")
        };
        assert_eq!(said::<u16>("-1"), whole("-1", 65535));
        assert_eq!(said::<u64>("1.5"), whole("1.5", u64::MAX));
        let text = "\"x, expected y\"";
        assert_eq!(said::<u8>(text), whole(text, 255));
        assert_eq!(said::<u32>("null"), whole("null", 4_294_967_295));
        assert_eq!(
            said::<Vec<u8>>("{}"),
            "an object stands where a list belongs"
        );
        assert_eq!(said::<Object>("3"), "3 stands where an object belongs");
        assert_eq!(
            said::<bool>("[]"),
            "a list stands where true or false belongs"
        );
        assert_eq!(said::<String>("true"), "true stands where a text belongs");
        assert_eq!(said::<f64>("{}"), "an object stands where a number belongs");
        assert_eq!(
            said::<(u8, u8)>("{}"),
            "an object stands where a list of two belongs"
        );
        assert_eq!(
            said::<(u8, u8)>("[1]"),
            "a list of 1 stands where a list of two belongs"
        );
        assert_eq!(
            said::<Choice>("{\"one\": {\"flag\": 1}}"),
            "1 stands where true or false belongs"
        );
        assert_eq!(
            said::<Choice>("{\"one\": 1}"),
            "1 stands where an object belongs"
        );
    }

    #[test]
    fn an_early_end_says_inside_what_and_other_words_stay() {
        assert_eq!(said::<Vec<u8>>("[1"), "the file ends inside a list");
        assert_eq!(said::<Object>("{}"), "missing field `word`");
    }
}
