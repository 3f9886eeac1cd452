//! The schema file and the reader agree: on every field, and on what is valid.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::model::{
    BufferFile, CheckFile, CounterFile, DataFile, ExpectFile, GraphFile, InitFile, LimitsFile,
    PartFile, PredicateFile, QueueFile, RankFile, SpanFile, TaskFile, UseFile,
};
use super::op::{LaneFile, OpFile, PostFile};
use super::{read, write};
use crate::demo;
use crate::file::TextFile;
use crate::workload::lower::kinds::collectives;
use crate::workload::random;

fn schema() -> Value {
    serde_json::from_str(include_str!("schema.json")).unwrap()
}

/// The fields, or variants, that a type expects, by its own words.
fn expected<T: DeserializeOwned>(text: &str) -> Vec<String> {
    let Err(error) = serde_json::from_str::<T>(text) else {
        panic!("there is no field `?`");
    };
    let said = error.to_string();
    let mut names: Vec<String> = said
        .split('`')
        .skip(3)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

fn keys(object: &Value) -> Vec<String> {
    let mut keys: Vec<String> = object.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

fn agree<T: DeserializeOwned>(schema: &Value, definition: &str) {
    let properties = match definition {
        "" => &schema["properties"],
        name => &schema["$defs"][name]["properties"],
    };
    assert_eq!(
        expected::<T>("{\"?\": 0}"),
        keys(properties),
        "{definition}"
    );
}

/// The variants of an enum, and their fields.
fn variants_agree<T: DeserializeOwned>(schema: &Value, definition: &str) {
    let variants = schema["$defs"][definition]["oneOf"].as_array().unwrap();
    let mut names: Vec<String> = Vec::new();
    for variant in variants {
        let name = keys(&variant["properties"]).remove(0);
        let fields = &variant["properties"][&name]["properties"];
        if fields.is_object() {
            let text = format!("{{\"{name}\": {{\"?\": 0}}}}");
            assert_eq!(expected::<T>(&text), keys(fields), "{definition} {name}");
        }
        names.push(name);
    }
    names.sort();
    assert_eq!(expected::<T>("{\"?\": 0}"), names, "{definition}");
}

#[test]
fn every_field_is_in_the_schema_and_every_one_of_the_schema_is_read() {
    let schema = schema();
    agree::<GraphFile>(&schema, "");
    agree::<LimitsFile>(&schema, "limits");
    agree::<RankFile>(&schema, "rank");
    agree::<BufferFile>(&schema, "buffer");
    agree::<CounterFile>(&schema, "counter");
    agree::<QueueFile>(&schema, "queue");
    agree::<InitFile>(&schema, "init");
    agree::<CheckFile>(&schema, "check");
    agree::<PartFile>(&schema, "part");
    agree::<TaskFile>(&schema, "task");
    agree::<UseFile>(&schema, "use");
    agree::<SpanFile>(&schema, "span");
    agree::<PredicateFile>(&schema, "predicate");
    agree::<PostFile>(&schema, "transfer");
    variants_agree::<DataFile>(&schema, "data");
    variants_agree::<ExpectFile>(&schema, "expect");
    variants_agree::<LaneFile>(&schema, "lane");
    variants_agree::<OpFile>(&schema, "op");
}

/// Why `value` is not valid, by the part of JSON Schema that the file uses.
fn invalid(schema: &Value, rule: &Value, value: &Value) -> Option<String> {
    if let Some(name) = rule["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return invalid(schema, &schema["$defs"][name], value).map(|why| format!("{name}: {why}"));
    }
    if let Some(rules) = rule["oneOf"].as_array() {
        let valid = rules
            .iter()
            .filter(|rule| invalid(schema, rule, value).is_none());
        return (valid.count() != 1).then(|| format!("{value} is not one of {}", rules.len()));
    }
    let is_listed = rule["enum"]
        .as_array()
        .is_none_or(|all| all.contains(value));
    let is_const = rule.get("const").is_none_or(|only| only == value);
    let is_typed = match rule["type"].as_str() {
        None => true,
        Some("object") => return invalid_object(schema, rule, value),
        Some("array") => return invalid_array(schema, rule, value),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("number") => value.is_number(),
        Some("integer") => value.as_u64().is_some_and(|number| {
            let (least, most) = (rule["minimum"].as_u64(), rule["maximum"].as_u64());
            (least.unwrap()..=most.unwrap()).contains(&number)
        }),
        Some(other) => panic!("no rule for {other}"),
    };
    (!is_listed || !is_const || !is_typed).then(|| format!("{value} is not {rule}"))
}

fn invalid_object(schema: &Value, rule: &Value, value: &Value) -> Option<String> {
    let Some(fields) = value.as_object() else {
        return Some(format!("{value} is no object"));
    };
    let required = rule["required"].as_array().unwrap();
    let missing = |name: &&Value| !fields.contains_key(name.as_str().unwrap());
    if let Some(name) = required.iter().find(missing) {
        return Some(format!("{name} is missing"));
    }
    fields
        .iter()
        .find_map(|(name, value)| match rule["properties"].get(name) {
            Some(rule) => invalid(schema, rule, value).map(|why| format!("{name}: {why}")),
            None => Some(format!("there is no {name}")),
        })
}

fn invalid_array(schema: &Value, rule: &Value, value: &Value) -> Option<String> {
    let Some(items) = value.as_array() else {
        return Some(format!("{value} is no array"));
    };
    let count = items.len() as u64;
    let least = rule["minItems"].as_u64().unwrap_or(0);
    if !(least..=rule["maxItems"].as_u64().unwrap_or(u64::MAX)).contains(&count) {
        return Some(format!("{count} items"));
    }
    let fixed = rule["prefixItems"].as_array();
    items
        .iter()
        .enumerate()
        .find_map(|(nth, item)| match fixed {
            Some(rules) => match rules.get(nth) {
                Some(rule) => invalid(schema, rule, item),
                None => Some(format!("{count} items")),
            },
            None => invalid(schema, &rule["items"], item),
        })
}

fn valid(text: &str) -> Option<String> {
    let schema = schema();
    invalid(&schema, &schema, &serde_json::from_str(text).unwrap())
}

#[test]
fn examples_and_what_is_written_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/graphs");
    let mut examples = 0;
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        assert_eq!(valid(&text), None);
        examples += 1;
    }
    assert!(examples >= 3);
    let demos = [
        demo::mixed_spmd(2),
        demo::urma_deferred(2),
        demo::fan(5),
        demo::persistent_scan(5, 2),
    ];
    for workload in demos.into_iter().chain(collectives()) {
        assert_eq!(valid(&write(&workload, None)), None);
    }
    for seed in 0..50 {
        let (workload, limits) = random(seed, None, true);
        assert_eq!(valid(&write(&workload, Some(&limits))), None, "seed {seed}");
    }
}

#[test]
fn what_the_reader_refuses_is_not_valid_either() {
    let task = |fields: &str| {
        format!(
            "{{\"schema\": \"finbox.graph/1\", \
             \"ranks\": [{{\"tasks\": [{{\"name\": \"t\"{fields}}}]}}]}}"
        )
    };
    assert_eq!(valid(&task("")), None);
    for fields in [
        ", \"shap\": \"aiv\"",
        ", \"shape\": \"gpu\"",
        ", \"blocks\": 0",
        ", \"program\": [{\"copy\": {\"from\": 0, \"to\": 0}}]",
        ", \"program\": [{\"fly\": {}}]",
        ", \"uses\": [{\"buffer\": -1, \"access\": \"in\"}]",
    ] {
        assert!(valid(&task(fields)).is_some(), "{fields}");
        let file = TextFile::new(Path::new("g.json"), task(fields));
        assert!(read(&file).is_err(), "{fields}");
    }
    assert!(valid("{\"schema\": \"finbox.graph/2\", \"ranks\": [{\"tasks\": []}]}").is_some());
    assert!(valid("{\"schema\": \"finbox.graph/1\", \"ranks\": []}").is_some());
}

#[test]
fn every_definition_is_used() {
    let schema = schema();
    let text = schema.to_string();
    let definitions: &Map<String, Value> = schema["$defs"].as_object().unwrap();
    for name in definitions.keys() {
        assert!(text.contains(&format!("#/$defs/{name}\"")), "{name}");
    }
}
