//! Cost models as files: what `--cost-model` reads, and what `finbox list --cost-model` prints.
//!
//! Guarantees: what is printed and read again is the same model to the bit; a field that the file
//! leaves out keeps the target's default. Refuses unknown fields, values outside their range, and
//! a model that names another target. Called by the app and by `main`.
//!
//! Every field in nanoseconds is a whole number from 0 to [`MOST_NS`], every bandwidth one from 1
//! to [`MOST_BYTES_PER_US`] bytes per microsecond; both speeds of the roofline are finite and
//! above 0. The roofline's defaults are the same for a2a3 and a5, round figures that no device
//! was measured for: they stand in where a trace has no duration.

use std::path::Path;

use finbox_scheduler::Target;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::cli::near;
use crate::device::CostModel;
use crate::file::{FileError, Once, Problem, Step, TextFile};
use crate::workload::chakra::Roofline;

/// The name and version of the format.
pub const SCHEMA: &str = "finbox.cost/1";

/// The largest cost of one thing: a second.
pub const MOST_NS: u64 = 1_000_000_000;

/// The largest bandwidth: a petabyte a second.
pub const MOST_BYTES_PER_US: u64 = 1_000_000_000;

/// Most characters of a name that is not known.
const MOST_CHARS: usize = 80;

/// What things cost, and how long what has no duration takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// The costs of a run in lockstep.
    pub model: CostModel,
    /// The speeds from which durations of a trace are estimated.
    pub roofline: Roofline,
}

impl Costs {
    /// The defaults of `target`.
    pub fn of(target: &Target) -> Self {
        Self {
            model: CostModel::of(target),
            roofline: Roofline::default(),
        }
    }
}

/// The whole file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    target: String,
    costs: CostModel,
    roofline: Roofline,
}

/// What may be wrong in it.
#[derive(Debug, thiserror::Error)]
enum CostProblem {
    #[error("this is no {SCHEMA} file: its \"schema\" is {found}")]
    Schema { found: Value },
    #[error("{field} is {value}: it must be {range}")]
    Range {
        field: String,
        value: Value,
        range: String,
    },
    #[error("there is no field {field}")]
    Unknown { field: String, near: Option<String> },
    #[error("this cost model is for {found}, and the run is on {target}")]
    Target { found: String, target: &'static str },
}

impl Problem for CostProblem {
    fn hint(&self) -> String {
        match self {
            Self::Unknown {
                near: Some(near), ..
            } => format!("did you mean {near}?"),
            Self::Target { found, .. } => {
                format!("take --target {found}, or remove \"target\" from the file")
            }
            Self::Range { .. } | Self::Unknown { .. } | Self::Schema { .. } => {
                "`finbox list --cost-model a2a3` prints a file to begin with".to_owned()
            }
        }
    }
}

/// The defaults of `target` as a file.
pub fn defaults(target: &Target) -> String {
    let mut text = serde_json::to_string_pretty(&document(target))
        .expect("costs are numbers, which JSON can always hold");
    text.push('\n');
    text
}

fn document(target: &Target) -> Document {
    let Costs { model, roofline } = Costs::of(target);
    Document {
        schema: SCHEMA.to_owned(),
        target: target.name.to_owned(),
        costs: model,
        roofline,
    }
}

/// Reads the model in `path` for a run on `target`.
///
/// # Errors
/// [`FileError`], with the line of what is wrong.
pub fn read(path: &Path, target: &Target) -> Result<Costs, FileError> {
    costs(&TextFile::read(path)?, target)
}

fn costs(file: &TextFile, target: &Target) -> Result<Costs, FileError> {
    let _unique: Once = file.parse()?;
    let given: Value = file.parse()?;
    let schema = given.get("schema").cloned().unwrap_or_default();
    if schema != SCHEMA {
        let problem = CostProblem::Schema { found: schema };
        return Err(file.wrong(&[Step::Field("schema")], problem));
    }
    let mut merged = serde_json::to_value(document(target))
        .expect("costs are numbers, which JSON can always hold");
    overlay(file, &given, &mut merged, &[])?;
    if merged["target"] != target.name {
        let found = merged["target"].as_str().unwrap_or_default().to_owned();
        let target = target.name;
        let problem = CostProblem::Target { found, target };
        return Err(file.wrong(&[Step::Field("target")], problem));
    }
    let merged = Document::deserialize(merged).expect("every field was checked");
    Ok(Costs {
        model: merged.costs,
        roofline: merged.roofline,
    })
}

/// Puts `given` over `known`, of which it may have no other fields and no other kinds of value.
fn overlay(
    file: &TextFile,
    given: &Value,
    known: &mut Value,
    steps: &[Step<'_>],
) -> Result<(), FileError> {
    let refused = |range: String| CostProblem::Range {
        field: steps.iter().map(named).collect::<Vec<_>>().join("."),
        value: given.clone(),
        range,
    };
    let Value::Object(known) = known else {
        if let Some(range) = outside(steps.last(), given) {
            return Err(file.wrong(steps, refused(range)));
        }
        *known = given.clone();
        return Ok(());
    };
    let Value::Object(given) = given else {
        return Err(file.wrong(steps, refused("an object".to_owned())));
    };
    for (name, value) in given {
        let below = [steps, &[Step::Field(name)]].concat();
        let Some(field) = known.get_mut(name) else {
            let problem = unknown(name, known);
            return Err(file.wrong(&below, problem));
        };
        overlay(file, value, field, &below)?;
    }
    Ok(())
}

const fn named<'n>(step: &Step<'n>) -> &'n str {
    match step {
        Step::Field(name) => name,
        Step::At(_) => "",
    }
}

fn unknown(name: &str, known: &Map<String, Value>) -> CostProblem {
    let names = known.keys().map(String::as_str);
    CostProblem::Unknown {
        field: name.chars().take(MOST_CHARS).collect(),
        near: near(name, names).first().map(|&name| name.to_owned()),
    }
}

/// What the value of this field must be, if it is not.
fn outside(field: Option<&Step<'_>>, value: &Value) -> Option<String> {
    let field = field.map_or("", named);
    let most = |least: u64, most: u64| {
        let number = value.as_u64();
        let is_inside = number.is_some_and(|number| (least..=most).contains(&number));
        (!is_inside).then(|| format!("a whole number from {least} to {most}"))
    };
    if field.ends_with("_ns") {
        return most(0, MOST_NS);
    }
    if field.ends_with("bytes_per_us") {
        return most(1, MOST_BYTES_PER_US);
    }
    if matches!(field, "schema" | "target") {
        return (!value.is_string()).then(|| "a name".to_owned());
    }
    let speed = value.as_f64().filter(|speed| *speed > 0.0);
    speed.is_none().then(|| "a number above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Costs, FileError, MOST_NS, SCHEMA, TextFile, costs, defaults};
    use finbox_scheduler::{A2A3, A5, Target};
    use serde_json::{Value, json};
    use std::path::Path;

    const TARGETS: [&Target; 2] = [&A2A3, &A5];

    fn read(text: &str, target: &Target) -> Result<Costs, FileError> {
        costs(&TextFile::new(Path::new("a.json"), text), target)
    }

    fn with(costs: &Value) -> Result<Costs, FileError> {
        let document = json!({"schema": SCHEMA, "costs": costs});
        read(&document.to_string(), &A2A3)
    }

    fn refused(costs: &Value) -> (String, String) {
        let error = with(costs).unwrap_err();
        (error.to_string(), error.hint().to_owned())
    }

    #[test]
    fn what_is_printed_is_read_as_the_same_model() {
        for target in TARGETS {
            assert_eq!(read(&defaults(target), target).unwrap(), Costs::of(target));
        }
    }

    #[test]
    fn what_is_left_out_keeps_the_default() {
        let found = with(&json!({"submit_ns": 1, "sdma": {"latency_ns": 2}})).unwrap();
        let mut expected = Costs::of(&A2A3);
        expected.model.submit_ns = 1;
        expected.model.sdma.latency_ns = 2;
        assert_eq!(found, expected);
    }

    #[test]
    fn a_slip_is_named_with_its_line_and_what_was_meant() {
        let text = format!("{{\"schema\": \"{SCHEMA}\",\n\"costs\":\n {{\"submt_ns\": 1}}}}");
        let error = read(&text, &A2A3).unwrap_err();
        let said = "a.json, line 3, column 15: there is no field submt_ns";
        assert_eq!(error.to_string(), said);
        assert_eq!(error.hint(), "did you mean submit_ns?");
    }

    #[test]
    fn every_number_has_a_range_that_is_told_with_field_and_value() {
        for wrong in [
            json!(-1),
            json!(1.5),
            json!("5"),
            json!(MOST_NS + 1),
            json!(null),
        ] {
            let (said, _) = refused(&json!({"sdma": {"latency_ns": wrong}}));
            let expected = format!(
                "costs.sdma.latency_ns is {wrong}: it must be a whole number from 0 to {MOST_NS}"
            );
            assert!(said.ends_with(&expected), "{said}");
        }
        assert!(with(&json!({"submit_ns": MOST_NS})).is_ok());
        let (said, hint) = refused(&json!({"put_bytes_per_us": 0}));
        assert!(said.contains("put_bytes_per_us is 0: it must be a whole number from 1 to"));
        assert!(hint.contains("finbox list --cost-model"));
        assert!(
            refused(&json!({"sdma": 5}))
                .0
                .contains("costs.sdma is 5: it must be an object")
        );
        for wrong in ["0", "-1.0", "\"fast\""] {
            let text =
                format!("{{\"schema\": \"{SCHEMA}\", \"roofline\": {{\"peak_flops\": {wrong}}}}}");
            let said = read(&text, &A5).unwrap_err().to_string();
            assert!(said.contains("it must be a number above 0"), "{said}");
        }
    }

    #[test]
    fn another_format_and_another_target_are_refused() {
        for text in ["[]", "{}", "{\"schema\": \"finbox.cost/2\"}"] {
            let said = read(text, &A2A3).unwrap_err().to_string();
            assert!(said.contains("this is no finbox.cost/1 file"), "{said}");
        }
        let error = read(&defaults(&A5), &A2A3).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("is for a5, and the run is on a2a3")
        );
        assert!(error.hint().contains("--target a5"));
    }

    #[test]
    fn a_field_that_is_given_twice_is_refused_with_its_line() {
        let costs = "{\"sdma\": {}, \"submit_ns\": 1,\n\"submit_ns\": 2}";
        let text = format!("{{\"schema\": \"{SCHEMA}\", \"costs\": {costs}}}");
        let said = read(&text, &A2A3).unwrap_err().to_string();
        assert!(said.starts_with("a.json, line 2, column "), "{said}");
        assert!(said.ends_with("duplicate field `submit_ns`"), "{said}");
    }

    #[test]
    fn every_beginning_of_a_file_is_refused() {
        let text = defaults(&A2A3);
        let whole = text.trim_end();
        for end in 0..whole.len() {
            assert!(read(&whole[..end], &A2A3).is_err(), "{end}");
        }
    }
}
