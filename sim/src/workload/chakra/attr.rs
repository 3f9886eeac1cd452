//! Reading a node's attributes, whatever numeric kind their producer chose.
//!
//! Guarantees: no value overflows; sizes saturate at `u64::MAX`, and not-a-number is 0. Refuses
//! sizes below 0. An attribute without a value counts as absent; of several with one
//! name the last counts. Called by `node`.

use std::borrow::Cow;

use super::proto::{Attribute, Value};

/// The attributes of one node.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'a>(pub(super) &'a [Attribute]);

impl<'a> Attributes<'a> {
    fn value(self, name: &str) -> Option<&'a Value> {
        let last = self.0.iter().rev().find(|attribute| attribute.name == name);
        last.and_then(|attribute| attribute.value.as_ref())
    }

    /// The value as a whole number, from any numeric kind; fractions are cut off.
    pub(super) fn number(self, name: &str) -> Option<i128> {
        Some(match self.value(name)? {
            Value::Double(value) => whole(*value),
            Value::Float(value) => whole(f64::from(*value)),
            Value::Int32(value) | Value::Sint32(value) | Value::Sfixed32(value) => (*value).into(),
            Value::Int64(value) | Value::Sint64(value) | Value::Sfixed64(value) => (*value).into(),
            Value::Uint32(value) | Value::Fixed32(value) => (*value).into(),
            Value::Uint64(value) | Value::Fixed64(value) => (*value).into(),
            Value::Bool(value) => (*value).into(),
            Value::Bools(_) | Value::Text(_) => return None,
        })
    }

    /// The value as a size or a count, at most `u64::MAX`.
    ///
    /// # Errors
    /// The number, if it is below 0.
    pub(super) fn size(self, name: &str) -> Result<Option<u64>, i128> {
        match self.number(name) {
            None => Ok(None),
            Some(number @ ..0) => Err(number),
            Some(number) => Ok(Some(u64::try_from(number).unwrap_or(u64::MAX))),
        }
    }

    /// True where the value is a number other than 0; false where it is absent.
    pub(super) fn is_set(self, name: &str) -> bool {
        self.number(name).is_some_and(|number| number != 0)
    }

    /// True where the value is a list of truth values one of which is false, or is false itself.
    pub(super) fn leaves_out(self, name: &str) -> bool {
        match self.value(name) {
            Some(Value::Bools(list)) => list.values.contains(&false),
            Some(Value::Bool(one)) => !one,
            _ => false,
        }
    }

    /// The value as text; a number becomes its decimal digits.
    pub(super) fn text(self, name: &str) -> Option<Cow<'a, str>> {
        if let Value::Text(text) = self.value(name)? {
            return Some(Cow::Borrowed(text));
        }
        self.number(name)
            .map(|number| Cow::Owned(number.to_string()))
    }
}

/// Cuts off the fraction; saturates, and takes not-a-number for 0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "cutting off and saturating is the purpose"
)]
fn whole(value: f64) -> i128 {
    value as i128
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, value: Option<Value>) -> Attribute {
        Attribute {
            name: name.to_owned(),
            value,
        }
    }

    fn size_of(value: Value) -> Result<Option<u64>, i128> {
        Attributes(&[attribute("size", Some(value))]).size("size")
    }

    #[test]
    fn every_numeric_kind_reads_as_the_same_number() {
        let kinds = [
            Value::Double(5.5),
            Value::Float(5.5),
            Value::Int32(5),
            Value::Int64(5),
            Value::Uint32(5),
            Value::Uint64(5),
            Value::Sint32(5),
            Value::Sint64(5),
            Value::Fixed32(5),
            Value::Fixed64(5),
            Value::Sfixed32(5),
            Value::Sfixed64(5),
        ];
        for kind in kinds {
            assert_eq!(size_of(kind.clone()), Ok(Some(5)), "{kind:?}");
        }
        assert_eq!(size_of(Value::Bool(true)), Ok(Some(1)));
        assert_eq!(size_of(Value::Text("5".to_owned())), Ok(None));
    }

    #[test]
    fn sizes_saturate_instead_of_overflowing_and_are_not_below_0() {
        assert_eq!(size_of(Value::Int64(i64::MIN)), Err(i64::MIN.into()));
        assert_eq!(size_of(Value::Uint64(u64::MAX)), Ok(Some(u64::MAX)));
        assert_eq!(size_of(Value::Double(f64::INFINITY)), Ok(Some(u64::MAX)));
        assert_eq!(size_of(Value::Double(f64::NEG_INFINITY)), Err(i128::MIN));
        assert_eq!(size_of(Value::Float(f32::NAN)), Ok(Some(0)));
    }

    #[test]
    fn an_attribute_without_a_value_counts_as_absent() {
        let list = [attribute("is_cpu_op", None)];
        assert!(!Attributes(&list).is_set("is_cpu_op"));
        assert_eq!(Attributes(&list).size("is_cpu_op"), Ok(None));
    }

    #[test]
    fn the_last_attribute_of_a_name_counts() {
        let list = [
            attribute("size", Some(Value::Int32(1))),
            attribute("size", Some(Value::Int32(2))),
        ];
        assert_eq!(Attributes(&list).size("size"), Ok(Some(2)));
    }

    #[test]
    fn a_group_name_may_be_text_or_a_number() {
        let list = [
            attribute("a", Some(Value::Text("7".to_owned()))),
            attribute("b", Some(Value::Int32(7))),
        ];
        assert_eq!(Attributes(&list).text("a").as_deref(), Some("7"));
        assert_eq!(Attributes(&list).text("b").as_deref(), Some("7"));
        assert_eq!(Attributes(&list).text("c"), None);
    }
}
