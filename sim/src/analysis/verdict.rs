//! What held a run up, in words: the largest part of its path, or a link slower than modelled.

use serde::Serialize;

use super::path::{Part, sums};
use super::{LinkUse, Wait, share};
use crate::report::{count, duration, rate, size};
use crate::timeline::{Root, Timeline};

/// A link is slow if what it moved took so many times as long as by the cost model.
const SLOW: f64 = 3.0;

/// It is told first if it has at least this part of the path; with less, the largest class of the
/// path is. In virtual time only, because by the wall clock nobody waits for modelled times.
const MATTERS: f64 = 0.25;

/// So many times as long is worth a word, whether that makes the link slow or not.
const NOTABLE: f64 = 1.5;

/// What held a run up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeldUp {
    /// One of `link`, `messages`, `work`, `scheduler`, `queue`, `nothing`.
    pub by: &'static str,
    /// Its part of the makespan.
    pub share: f64,
    /// The link to blame, as numbers of ranks: from, to.
    pub link: Option<[u32; 2]>,
    /// The same in a sentence or two.
    pub sentence: String,
}

/// What held `timeline` up, whose path, links and waits these are.
pub fn held_up(timeline: &Timeline, path: &[Part], links: &[LinkUse], waits: &[Wait]) -> HeldUp {
    let sums = sums(path);
    let whole = timeline.end_ns;
    let label = |rank: u32| timeline.ranks[rank as usize].rank;
    let first = sums.links.iter().find(|link| link.from != link.to);
    let use_of = |from, to| links.iter().find(|one| (one.from, one.to) == (from, to));
    let mut slow = sums.links.iter().filter(|link| {
        let found = use_of(label(link.from), label(link.to));
        timeline.is_virtual
            && link.share >= MATTERS
            && found.is_some_and(|found| found.slower >= SLOW)
    });
    if let Some(link) = slow.next() {
        let ends = [label(link.from), label(link.to)];
        let found = use_of(ends[0], ends[1]);
        return HeldUp {
            by: "link",
            share: link.share,
            link: Some(ends),
            sentence: about_link(ends, link.share, found, waits),
        };
    }
    let kinds = [
        ("work", sums.work_ns),
        ("messages", sums.message_ns),
        ("scheduler", sums.scheduler_ns),
        ("queue", sums.queue_ns),
        ("nothing", sums.nothing_ns),
    ];
    let largest = kinds.into_iter().max_by_key(|&(_, ns)| ns);
    let (by, ns) = largest.unwrap_or(("nothing", 0));
    let part = share(ns, whole);
    let link = first.filter(|_| by == "messages");
    let link = link.map(|link| [label(link.from), label(link.to)]);
    let sentence = match (by, link, first) {
        ("messages", Some(ends), Some(first)) => {
            let found = use_of(ends[0], ends[1]);
            let most = about_link(ends, first.share, found, waits);
            format!(
                "{} of the run went by with messages on their way. {most}",
                percent(part)
            )
        }
        ("nothing", ..) => about_nothing(part, waits, timeline.root.as_ref()),
        _ => about(by, part, timeline, path),
    };
    HeldUp {
        by,
        share: part,
        link,
        sentence,
    }
}

/// A part as people write it.
pub(super) fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

fn about_link(ends: [u32; 2], part: f64, found: Option<&LinkUse>, waits: &[Wait]) -> String {
    let [from, to] = ends;
    let is_wait = |wait: &&Wait| wait.rank == to && wait.peer == Some(from);
    let mut sentence = format!("The link {from}\u{2192}{to} held this run up");
    if let Some(wait) = waits.iter().find(is_wait) {
        let waited = percent(wait.share);
        sentence += &format!(": rank {to} waited {waited} of the run for rank {from}");
    }
    if let Some(link) = found {
        let (moved, rate) = (size(link.bytes), rate(link.bytes, link.busy_ns));
        sentence += &format!(". It moved {moved} at {rate} while busy");
        if link.slower >= NOTABLE {
            let times = link.slower;
            sentence += &format!(", and a move took {times:.1} times as long as it should");
        }
    }
    let part = percent(part);
    sentence + &format!("; {part} of the chain that determined the end was spent on it.")
}

/// A run that stood still: what it stood behind, as far as that is known, and who waited in vain.
fn about_nothing(part: f64, waits: &[Wait], root: Option<&Root>) -> String {
    let unmet = waits.iter().filter(|wait| wait.is_unmet);
    let mut in_vain: Vec<u32> = unmet.map(|wait| wait.rank).collect();
    in_vain.sort_unstable();
    in_vain.dedup();
    let who = match (root, &in_vain[..]) {
        (Some(root), _) => {
            let others = in_vain.iter().filter(|&&rank| rank != root.rank).count();
            let behind = match others {
                0 => String::new(),
                others => format!("; {} waited behind it", count(others as u64, "other rank")),
            };
            format!("{}{behind}", root.message)
        }
        (None, []) => "tasks were left that nobody finished".to_owned(),
        (None, [one]) => format!("rank {one} waited for something that never came"),
        (None, many) => {
            let ranks: Vec<String> = many.iter().map(u32::to_string).collect();
            let ranks = ranks.join(", ");
            format!("ranks {ranks} waited for something that never came")
        }
    };
    format!("Nothing went on for {} of the run: {who}.", percent(part))
}

fn about(by: &str, part: f64, timeline: &Timeline, path: &[Part]) -> String {
    let part = percent(part);
    let longest = path.iter().max_by_key(|part| part.ended_ns - part.began_ns);
    let longest = longest.map_or(String::new(), |one| {
        let ns = duration(one.ended_ns - one.began_ns);
        let rank = timeline.ranks.get(one.rank as usize);
        let rank = rank.map_or(0, |rank| rank.rank);
        format!(" The longest part of that chain, {ns}, was on rank {rank}.")
    });
    match by {
        "work" => format!(
            "Work itself: {part} of the chain that determined the end were kernels.{longest}"
        ),
        "scheduler" => format!(
            "The scheduler: {part} of the chain that determined the end went by between kernels, \
             with submission, dispatch, pick-up, FINs and releases.{longest}"
        ),
        "queue" => format!(
            "Engines: for {part} of the run the transfer that mattered stood behind others in its \
             queue.{longest}"
        ),
        _ => format!(
            "Engines: for {part} of the run the transfer that mattered was under way within its \
             own rank.{longest}"
        ),
    }
}
