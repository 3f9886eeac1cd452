//! What a device is and what it did when it was tried, as text or as one JSON document.
//!
//! Guarantees: serialises as `finbox.device/1`; fields may be added, never renamed. Refuses to
//! judge. Called by `finbox device`, which fills it, and by the run's report for the device's name.

use finbox_abi::FINBOX_FEATURE_EVENTS;
use serde::Serialize;

use super::error::ErrorReport;
use super::hex::Digest;
use super::verdict::Verdict;
use super::words::{count, printable, size};

/// The width of the labels on the left.
const LABEL: usize = 10;

/// A device library, as a report names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceReport {
    /// What it calls itself.
    pub name: String,
    /// Its version, in its own words.
    pub version: String,
    /// The file, or the name by which the system's loader found it.
    pub path: String,
}

impl DeviceReport {
    /// What people are told, in one line.
    pub(super) fn to_text(&self) -> String {
        let (name, version) = (printable(&self.name), printable(&self.version));
        format!("{name} {version}, {}", printable(&self.path))
    }
}

/// A machine that the library opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MachineReport {
    /// The chip family.
    pub target: &'static str,
    /// Ranks.
    pub ranks: u32,
    /// Cubes and vectors of a rank.
    pub cores: u16,
    /// Host lanes of a rank.
    pub host_lanes: u16,
    /// DMA queues of a rank.
    pub dma_queues: u32,
    /// Bytes of memory of a rank.
    pub memory_bytes: u64,
    /// Whether the control CPU sees without a refresh what cores and DMA wrote.
    pub is_coherent: bool,
}

/// How something that was tried ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tried {
    /// Well.
    Pass,
    /// Not well.
    Fail,
    /// It could not be tried.
    Skipped,
}

/// A check of the conformance suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Its name.
    pub name: &'static str,
    /// What holds if it passes.
    pub proves: &'static str,
    /// How it ended.
    pub verdict: Tried,
    /// What was expected and what was observed, or why it could not be tried; else empty.
    pub message: String,
}

/// A demo.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DemoReport {
    /// Its name.
    pub name: &'static str,
    /// Its ranks.
    pub ranks: u16,
    /// How it ended.
    pub verdict: Tried,
    /// The largest distance from the golden result; `None` where it did not come so far.
    pub max_diff: Option<f64>,
    /// Digest over the results, where there are any.
    pub result_digest: Option<Digest>,
    /// What went wrong, or why it could not be tried; else empty.
    pub message: String,
}

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BoardReport {
    /// Always `finbox.device/1`.
    pub schema: &'static str,
    /// Path or name, as it was asked for.
    pub library: String,
    /// How it ended.
    pub verdict: Verdict,
    /// The library, if it was loaded.
    pub device: Option<DeviceReport>,
    /// Major and minor version of the contract that it was built with.
    pub abi: Option<[u32; 2]>,
    /// Its machine, if one was opened.
    pub machine: Option<MachineReport>,
    /// What its cores can do.
    pub operations: Vec<&'static str>,
    /// What the cores of others can do.
    pub lacks: Vec<&'static str>,
    /// Bits of optional features that it announces.
    pub features: Vec<u32>,
    /// The conformance suite.
    pub checks: Vec<CheckReport>,
    /// The demos.
    pub demos: Vec<DemoReport>,
    /// The error, where there is one.
    pub error: Option<ErrorReport>,
}

impl BoardReport {
    /// Of a library of which nothing is known but what it was asked for by.
    pub fn neutral(library: String) -> Self {
        Self {
            schema: "finbox.device/1",
            library,
            verdict: Verdict::Pass,
            device: None,
            abi: None,
            machine: None,
            operations: Vec::new(),
            lacks: Vec::new(),
            features: Vec::new(),
            checks: Vec::new(),
            demos: Vec::new(),
            error: None,
        }
    }

    /// As one JSON document, with a final newline.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("a report has only text keys and finite numbers, which JSON can always hold");
        text.push('\n');
        text
    }

    /// As text, ending with a newline.
    pub fn to_text(&self) -> String {
        let mut lines = vec![format!(
            "{}  {}",
            self.verdict.headline(),
            printable(&self.library)
        )];
        if let Some(error) = &self.error {
            let name = printable(&error.name);
            let message = printable(&error.message);
            lines.push(row("error", &format!("{} {name}: {message}", error.code)));
            lines.push(row("hint", &printable(&error.hint)));
        }
        lines.push(String::new());
        self.what_it_is(&mut lines);
        let checks = self.checks.iter();
        let checks = checks.map(|check| tried(check.verdict, check.name, &check.message));
        listed("checks", checks, &mut lines);
        let demos = self.demos.iter().map(|demo| {
            let name = format!("{}, {}", demo.name, count(demo.ranks.into(), "rank"));
            let golden = demo.max_diff.map(|diff| format!("max difference {diff}"));
            let message = match demo.verdict {
                Tried::Pass => golden.unwrap_or_default(),
                Tried::Fail | Tried::Skipped => demo.message.clone(),
            };
            tried(demo.verdict, &name, &message)
        });
        listed("demos", demos, &mut lines);
        lines.push(String::new());
        lines.join("\n")
    }

    fn what_it_is(&self, lines: &mut Vec<String>) {
        if let (Some(device), Some([major, minor])) = (&self.device, self.abi) {
            let text = format!("{}, ABI {major}.{minor}", device.to_text());
            lines.push(row("device", &text));
        }
        if let Some(machine) = &self.machine {
            let coherent = if machine.is_coherent { "" } else { "not " };
            let parts = [
                machine.target.to_owned(),
                format!(
                    "{} of {} and {}",
                    count(machine.ranks.into(), "rank"),
                    count(machine.cores.into(), "core"),
                    count(machine.host_lanes.into(), "host lane")
                ),
                count(machine.dma_queues.into(), "DMA queue"),
                format!(
                    "{} of memory, {coherent}coherent",
                    size(machine.memory_bytes)
                ),
            ];
            lines.push(row("machine", &parts.join(", ")));
        }
        for (label, names) in [("operations", &self.operations), ("lacks", &self.lacks)] {
            if !names.is_empty() {
                lines.push(row(label, &names.join(", ")));
            }
        }
        if !self.features.is_empty() {
            let features: Vec<String> = self.features.iter().map(|&bit| feature(bit)).collect();
            lines.push(row("features", &features.join(", ")));
        }
    }
}

/// The name of an optional feature, or its bit.
fn feature(bit: u32) -> String {
    match 1_u64 << bit {
        FINBOX_FEATURE_EVENTS => "events".to_owned(),
        _ => format!("bit {bit}"),
    }
}

fn row(label: &str, value: &str) -> String {
    format!("  {label:<LABEL$} {value}")
}

fn tried(verdict: Tried, name: &str, message: &str) -> String {
    let verdict = match verdict {
        Tried::Pass => "pass",
        Tried::Fail => "FAIL",
        Tried::Skipped => "skipped",
    };
    let colon = if message.is_empty() { "" } else { ": " };
    format!("{verdict:<7} {name}{colon}{}", printable(message))
}

fn listed(label: &str, all: impl Iterator<Item = String>, lines: &mut Vec<String>) {
    for (index, one) in all.enumerate() {
        let label = if index == 0 { label } else { "" };
        lines.push(row(label, &one));
    }
}

#[cfg(test)]
mod tests {
    use super::{BoardReport, CheckReport, DemoReport, DeviceReport, MachineReport, Tried};
    use crate::report::{Code, ErrorReport, Verdict};

    fn report() -> BoardReport {
        let check = |verdict, message: &str| CheckReport {
            name: "facts",
            proves: "facts are in range",
            verdict,
            message: message.to_owned(),
        };
        BoardReport {
            verdict: Verdict::Fault,
            device: Some(DeviceReport {
                name: "toy\u{1b}".to_owned(),
                version: "3".to_owned(),
                path: "./toy.so".to_owned(),
            }),
            abi: Some([1, 2]),
            machine: Some(MachineReport {
                target: "a5",
                ranks: 1,
                cores: 3,
                host_lanes: 0,
                dma_queues: 2,
                memory_bytes: 1 << 20,
                is_coherent: false,
            }),
            operations: vec!["busy", "copy"],
            lacks: vec!["post"],
            features: vec![0, 5],
            checks: vec![
                check(Tried::Pass, ""),
                check(Tried::Fail, "`load_cond` gave 3"),
            ],
            demos: vec![DemoReport {
                name: "dummy_task",
                ranks: 1,
                verdict: Tried::Pass,
                max_diff: Some(0.0),
                result_digest: None,
                message: String::new(),
            }],
            error: Some(ErrorReport::new(Code::DEVICE, "1 check failed", "read it")),
            ..BoardReport::neutral("toy".to_owned())
        }
    }

    #[test]
    fn the_text_says_what_it_is_what_it_can_and_how_each_check_and_demo_ended() {
        let expected = "\
FAULT  toy
  error      198 DEVICE: 1 check failed
  hint       read it

  device     toy\\u{1b} 3, ./toy.so, ABI 1.2
  machine    a5, 1 rank of 3 cores and 0 host lanes, 2 DMA queues, 1.0 MB of memory, not coherent
  operations busy, copy
  lacks      post
  features   events, bit 5
  checks     pass    facts
             FAIL    facts: `load_cond` gave 3
  demos      pass    dummy_task, 1 rank: max difference 0
";
        assert_eq!(report().to_text(), expected);
    }

    #[test]
    fn the_document_has_the_same() {
        let document: serde_json::Value = serde_json::from_str(&report().to_json()).unwrap();
        assert_eq!(document["schema"], "finbox.device/1");
        assert_eq!(document["verdict"], "fault");
        assert_eq!(document["checks"][1]["verdict"], "fail");
        assert_eq!(document["machine"]["memory_bytes"], 1 << 20);
        assert_eq!(document["demos"][0]["max_diff"], 0.0);
        assert_eq!(document["error"]["code"], 198);
        assert_eq!(document["abi"], serde_json::json!([1, 2]));
    }
}
