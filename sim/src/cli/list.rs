//! What `finbox list` prints: scenarios, targets, and where traces go.
//!
//! Guarantees: shows exactly the scenario table and the facts handed in; the JSON form is one
//! document whose field names stay. Refuses: to look at the file system. Called by `main`.

use serde::Serialize;

use super::scenario::{SCENARIOS, Scenario};
use super::target::TargetFacts;
use crate::fault::{FaultInfo, TABLE};

/// The name and version of the JSON form.
const SCHEMA: &str = "finbox.list/1";

/// Where traces go, as lines for people.
const TRACES: &[&str] = &[
    "Any folder will do: one file a rank, named PREFIX.<rank>.et.",
    "Name the folder, the prefix or one file with a dot or a slash: finbox run ./traces/PREFIX",
    "PREFIX.json maps process groups to ranks; --collectives HOW says how collectives run.",
];

/// The other files that are read and written.
const FILES: &[&str] = &[
    "finbox.graph/1  any workload, to read and to change: finbox convert SCENARIO|FILE -o OUT",
    "WfFormat        workflows of WfCommons, 1.5 and 1.6; a second takes --time-scale [0.001]",
    "finbox.cost/1   --cost-model FILE: what virtual time costs; `finbox list --cost-model a2a3`",
];

#[derive(Serialize)]
struct Listing {
    schema: &'static str,
    scenarios: Vec<ScenarioEntry>,
    targets: Vec<TargetEntry>,
    faults: Vec<FaultEntry>,
    traces: String,
    files: &'static [&'static str],
}

#[derive(Serialize)]
struct ScenarioEntry {
    name: &'static str,
    about: &'static str,
    least_ranks: u16,
    most_ranks: u16,
    default_ranks: u16,
    targets: Vec<&'static str>,
    default_tasks: Option<u32>,
}

#[derive(Serialize)]
struct TargetEntry {
    name: &'static str,
    clusters: u16,
    aic: u16,
    aiv: u16,
    cores: u16,
    engines: &'static [&'static str],
    coherent: bool,
}

#[derive(Serialize)]
struct FaultEntry {
    name: &'static str,
    row: u8,
    about: &'static str,
    argument: &'static str,
    usually: u16,
}

/// The list for people.
pub fn list_text(targets: &[TargetFacts]) -> String {
    let scenarios: Vec<Vec<String>> = SCENARIOS.iter().map(scenario_row).collect();
    let targets: Vec<Vec<String>> = targets.iter().map(target_row).collect();
    let mut text = String::from("Scenarios (finbox run NAME; default ranks in brackets)\n");
    text.push_str(&aligned(&scenarios));
    text.push_str("\nTargets (--target NAME)\n");
    text.push_str(&aligned(&targets));
    text.push_str("\nFaults (--fault NAME[:N]: one occasion in N; usual N in brackets, 0: once)\n");
    text.push_str(&aligned(&TABLE.iter().map(fault_row).collect::<Vec<_>>()));
    for (title, lines) in [("Traces", TRACES), ("Files", FILES)] {
        text.push_str(&format!("\n{title}\n"));
        for line in lines {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

/// The list as one JSON document.
pub fn list_json(targets: &[TargetFacts]) -> String {
    let listing = Listing {
        schema: SCHEMA,
        scenarios: SCENARIOS.iter().map(scenario_entry).collect(),
        targets: targets.iter().map(target_entry).collect(),
        faults: TABLE.iter().map(fault_entry).collect(),
        traces: TRACES.join(" "),
        files: FILES,
    };
    let mut text = serde_json::to_string_pretty(&listing)
        .expect("a listing has only text, numbers and truth values, which JSON can always hold");
    text.push('\n');
    text
}

fn scenario_row(scenario: &Scenario) -> Vec<String> {
    vec![
        scenario.name.to_owned(),
        ranks(scenario),
        format!("[{}]", scenario.default_ranks),
        scenario.about.to_owned(),
    ]
}

fn ranks(scenario: &Scenario) -> String {
    match (scenario.ranks.start(), scenario.ranks.end()) {
        (1, 1) => "1 rank".to_owned(),
        (least, most) => format!("{least}–{most} ranks"),
    }
}

fn scenario_entry(scenario: &Scenario) -> ScenarioEntry {
    ScenarioEntry {
        name: scenario.name,
        about: scenario.about,
        least_ranks: *scenario.ranks.start(),
        most_ranks: *scenario.ranks.end(),
        default_ranks: scenario.default_ranks,
        targets: scenario.targets.iter().map(|name| name.as_str()).collect(),
        default_tasks: scenario.default_tasks,
    }
}

fn fault_row(row: &FaultInfo) -> Vec<String> {
    let usually = format!("[{}]", row.usually);
    vec![row.name.to_owned(), usually, row.about.to_owned()]
}

const fn fault_entry(row: &FaultInfo) -> FaultEntry {
    FaultEntry {
        name: row.name,
        row: row.row,
        about: row.about,
        argument: row.argument,
        usually: row.usually,
    }
}

fn target_row(facts: &TargetFacts) -> Vec<String> {
    let coherence = if facts.is_coherent {
        "DMA coherent"
    } else {
        "DMA not coherent"
    };
    vec![
        facts.name.to_string(),
        format!("{} cores", facts.cores),
        format!(
            "{} clusters, {} AIC + {} AIV",
            facts.clusters, facts.aic, facts.aiv
        ),
        facts.engines.join(", "),
        coherence.to_owned(),
    ]
}

fn target_entry(facts: &TargetFacts) -> TargetEntry {
    TargetEntry {
        name: facts.name.as_str(),
        clusters: facts.clusters,
        aic: facts.aic,
        aiv: facts.aiv,
        cores: facts.cores,
        engines: facts.engines,
        coherent: facts.is_coherent,
    }
}

/// Rows with every column as wide as its widest cell, indented, without trailing blanks.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str("  ");
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::TARGETS;
    use super::*;

    #[test]
    fn the_text_shows_every_scenario_every_target_and_where_traces_go() {
        let text = list_text(TARGETS);
        let (scenarios, rest) = text.split_once("\n\n").unwrap();
        let mut lines = scenarios.lines();
        let title = "Scenarios (finbox run NAME; default ranks in brackets)";
        assert_eq!(lines.next(), Some(title));
        for (line, scenario) in lines.by_ref().zip(SCENARIOS) {
            let cells: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(cells[0], scenario.name);
            assert!(line.ends_with(scenario.about));
        }
        assert_eq!(lines.next(), None);
        let expected = "\
Targets (--target NAME)
  a2a3  72 cores   24 clusters, 24 AIC + 48 AIV  counter, SDMA        DMA not coherent
  a5    108 cores  36 clusters, 36 AIC + 72 AIV  counter, SDMA, URMA  DMA coherent

Traces
  Any folder will do: one file a rank, named PREFIX.<rank>.et.
  Name the folder, the prefix or one file with a dot or a slash: finbox run ./traces/PREFIX
  PREFIX.json maps process groups to ranks; --collectives HOW says how collectives run.
";
        let (targets, rest) = rest.split_once("Faults").unwrap();
        let (rest, files) = rest.split_once("\nFiles\n").unwrap();
        let (faults, traces) = rest.split_once("\n\n").unwrap();
        assert_eq!(files.lines().count(), FILES.len());
        assert_eq!(format!("{targets}{traces}"), expected);
        for (line, row) in faults.lines().skip(1).zip(TABLE) {
            assert!(line.trim_start().starts_with(row.name) && line.ends_with(row.about));
        }
        assert_eq!(faults.lines().count(), 1 + TABLE.len());
        assert_eq!(scenarios.lines().count(), 1 + SCENARIOS.len());
    }

    #[test]
    fn the_json_is_one_document_with_the_same_facts() {
        let text = list_json(TARGETS);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["schema"], "finbox.list/1");
        assert_eq!(
            value["scenarios"].as_array().unwrap().len(),
            SCENARIOS.len()
        );
        assert_eq!(value["scenarios"][0]["least_ranks"], 2);
        assert_eq!(value["targets"][1]["name"], "a5");
        assert_eq!(value["targets"][1]["cores"], 108);
        assert_eq!(value["targets"][0]["coherent"], false);
        assert_eq!(value["faults"].as_array().unwrap().len(), TABLE.len());
        assert_eq!(value["faults"][0]["name"], "fin-lost");
        assert!(text.ends_with("}\n"));
    }
}
