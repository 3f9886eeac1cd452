//! The picture: the path on top, then a group of lanes for each rank.
//!
//! Lanes are 18 high and a million wide, whatever the run; the script moves all of them together.

use super::{Shown, duration, label, push, task_name};
use crate::analysis::{PartKind, realised_path};
use crate::timeline::{Block, NEVER, RankTimeline, Span};
use crate::workload::Shape;

/// A picture's width; times are shares of it.
const WIDTH: u64 = 1_000_000;

/// Bars of all lanes: some 100 bytes each.
const MOST_BARS: usize = 24_000;

/// Lanes of single cores of all ranks; beyond, cores of a kind share one.
const MOST_LANES: usize = 800;

/// Ranks that are unfolded when the page opens.
const UNFOLDED: usize = 8;

/// One bar: its class, from when until when, how much of the lane's height in percent, its tooltip.
type Bar<'a> = (&'a str, (u64, u64), u64, String);

/// A lane and what stands in it.
struct Lane<'a> {
    name: String,
    bars: Vec<Bar<'a>>,
}

/// Writes the picture.
pub(super) fn picture(page: &mut String, shown: &Shown<'_>) {
    *page += "<h2>What ran when</h2><p class=\"legend\">";
    for (class, height, what) in KEYS {
        push(
            page,
            format_args!(
                "<span><svg viewBox=\"0 0 26 12\"><rect class=\"{class}\" y=\"{}\" width=\"26\" \
                 height=\"{height}\"/></svg>{what}</span>",
                12 - height
            ),
        );
    }
    *page += "</p><p class=\"dim\">On the critical path the height of a bar says what it is; in \
              the lanes of a rank their names do, and a bar is as high as the lane was busy.</p>\
              <p><button id=\"in\">zoom in</button><button id=\"out\">zoom out</button>\
              <button id=\"left\">left</button><button id=\"right\">right</button>\
              <button id=\"whole\">whole run</button> <span id=\"range\" class=\"dim\"></span>\
              <span class=\"dim\"> (drag to move; Ctrl or Shift and the wheel to zoom; \
              rest on a bar to read it)</span></p>";
    lanes(page, shown, &[path_lane(shown)]);
    let ranks = &shown.timeline.ranks;
    let bars: usize = ranks.iter().map(|rank| rank.blocks.len()).sum();
    let used: usize = ranks.iter().map(used_lanes).sum();
    let plan = Plan {
        is_single: bars <= MOST_BARS / 2,
        by_core: used <= MOST_LANES,
        buckets: (MOST_BARS / (used.min(MOST_LANES) + 4 * ranks.len()).max(1)).clamp(24, 400),
    };
    for (index, rank) in (0..).zip(ranks) {
        let open = if (index as usize) < UNFOLDED {
            " open"
        } else {
            ""
        };
        let busy = super::tables::rank_share(shown, index);
        push(
            page,
            format_args!(
                "<details{open}><summary>rank {} <span class=\"dim\">{busy}</span></summary>",
                rank.rank
            ),
        );
        lanes(page, shown, &rank_lanes(shown, (index, rank), plan));
        *page += "</details>";
    }
}

/// What bars mean: class, height, words.
const KEYS: [(&str, u32, &str); 5] = [
    ("w", 12, "kernel"),
    ("m", 8, "message or transfer"),
    ("u", 5, "waiting for a condition"),
    ("s", 3, "scheduler"),
    ("o", 12, "nothing known"),
];

/// How much is drawn.
#[derive(Clone, Copy)]
struct Plan {
    /// Every block is a bar.
    is_single: bool,
    /// Every core is a lane.
    by_core: bool,
    buckets: usize,
}

fn used_lanes(rank: &RankTimeline) -> usize {
    let mut used = vec![false; rank.lanes.len()];
    let cores = rank.blocks.iter().map(|block| usize::from(block.core));
    cores.for_each(|core| used[core] = true);
    used.into_iter().filter(|used| *used).count()
}

fn path_lane<'a>(shown: &Shown<'_>) -> Lane<'a> {
    let path = realised_path(shown.timeline);
    let shortest = shown.timeline.end_ns / 4_000;
    let parts = path.iter();
    let parts = parts.filter(|part| part.ended_ns - part.began_ns >= shortest);
    let bars = parts.map(|part| {
        let task = task_name(shown, part.rank, part.task);
        let (class, height, what) = match part.kind {
            PartKind::Work => ("w", 100, "kernel".to_owned()),
            PartKind::Message { from, to } => {
                let ends = (label(shown, from), label(shown, to));
                ("m", 66, format!("link {}\u{2192}{}", ends.0, ends.1))
            }
            PartKind::Queue => ("q", 66, "queue of an engine".to_owned()),
            PartKind::Nothing => ("o", 100, "nothing known".to_owned()),
            PartKind::Dispatch => ("s", 25, "ready, not dispatched".to_owned()),
            PartKind::PickUp => ("s", 25, "on the way to the core".to_owned()),
            PartKind::Fin => ("s", 25, "FIN not seen yet".to_owned()),
            PartKind::Finish => ("s", 25, "finish and release".to_owned()),
            PartKind::Poll => ("s", 25, "condition holds, not seen yet".to_owned()),
            PartKind::Submit => ("s", 25, "submission".to_owned()),
        };
        let rank = label(shown, part.rank);
        let ns = duration(part.ended_ns - part.began_ns);
        let title = format!("{what}: rank {rank}, {task}, {ns}");
        (class, (part.began_ns, part.ended_ns), height, title)
    });
    Lane {
        name: "critical path".to_owned(),
        bars: bars.collect(),
    }
}

fn rank_lanes<'a>(
    shown: &Shown<'_>,
    (index, rank): (u32, &RankTimeline),
    plan: Plan,
) -> Vec<Lane<'a>> {
    let mut groups: Vec<(String, Vec<&Block>, u64)> = Vec::new();
    if plan.by_core {
        let cores = (0..).zip(&rank.lanes);
        groups.extend(cores.map(|(core, lane): (u16, _)| {
            let kind = kind_name(lane.shape);
            (format!("{kind} {core}"), Vec::new(), 1)
        }));
    } else {
        for shape in [Shape::Aic, Shape::Aiv, Shape::Host] {
            let cores = rank.lanes.iter().filter(|lane| lane.shape == shape);
            let cores = cores.count() as u64;
            groups.push((format!("{cores} {}", kind_name(shape)), Vec::new(), cores));
        }
    }
    for block in &rank.blocks {
        let core = usize::from(block.core);
        let place = match (plan.by_core, rank.lanes[core].shape) {
            (true, _) => core,
            (false, Shape::Aic) => 0,
            (false, Shape::Host) => 2,
            (false, _) => 1,
        };
        groups[place].1.push(block);
    }
    let groups = groups
        .into_iter()
        .filter(|(_, blocks, _)| !blocks.is_empty());
    let mut lanes: Vec<Lane<'a>> = groups
        .map(|(name, blocks, cores)| {
            let bars = match plan.is_single && plan.by_core {
                true => blocks.iter().map(|one| bar(shown, index, one)).collect(),
                false => {
                    let spans = blocks.iter().map(|one| (one.started_ns, one.ended_ns));
                    buckets("w", spans, cores, (shown.timeline.end_ns, plan.buckets))
                }
            };
            Lane { name, bars }
        })
        .collect();
    lanes.extend(other_lanes(shown, rank, plan));
    lanes
}

/// What is no core: conditions, links, threads.
fn other_lanes<'a>(shown: &Shown<'_>, rank: &RankTimeline, plan: Plan) -> Vec<Lane<'a>> {
    let whole = (shown.timeline.end_ns, plan.buckets);
    let waits = rank.conditions.iter();
    let waits = waits.map(|one| (one.registered_ns, one.met_ns));
    let sent = rank.operations.iter().filter(|one| one.is_remote());
    let sent = sent.map(|one| (one.began_ns, one.ended_ns));
    let own = rank.operations.iter().filter(|one| !one.is_remote());
    let own = own.map(|one| (one.began_ns, one.ended_ns));
    let mut lanes = vec![
        ("waits".to_owned(), buckets("u", waits, 1, whole)),
        ("links out".to_owned(), buckets("m", sent, 1, whole)),
        ("own engines".to_owned(), buckets("m", own, 1, whole)),
    ];
    for thread in &rank.threads {
        let spans = thread.spans();
        let spans = spans.map(
            |Span {
                 began_ns, ended_ns, ..
             }| (began_ns, ended_ns),
        );
        let name = match thread.role {
            crate::timeline::Role::Handler(handler) => format!("handler {handler}"),
            crate::timeline::Role::Dispatch => "dispatch".to_owned(),
            crate::timeline::Role::Submitter => "submitter".to_owned(),
        };
        lanes.push((name, buckets("s", spans, 1, whole)));
    }
    let lanes = lanes.into_iter().filter(|(_, bars)| !bars.is_empty());
    lanes.map(|(name, bars)| Lane { name, bars }).collect()
}

const fn kind_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Aic => "AIC",
        Shape::Host => "host",
        _ => "AIV",
    }
}

fn bar<'a>(shown: &Shown<'_>, rank: u32, block: &Block) -> Bar<'a> {
    let name = task_name(shown, rank, block.task);
    let until = block.ended_ns.min(shown.timeline.end_ns);
    let ns = duration(until.saturating_sub(block.started_ns));
    let (class, hung) = match block.ended_ns {
        NEVER => ("o", ", never ended"),
        _ => ("w", ""),
    };
    let title = format!("{name}, block {}, {ns}{hung}", block.block);
    (class, (block.started_ns, until), 100, title)
}

/// How much of each of so many equal parts of the run is covered by spans, of `many` at once.
fn buckets<'a>(
    class: &'a str,
    spans: impl Iterator<Item = (u64, u64)>,
    many: u64,
    (end_ns, count): (u64, usize),
) -> Vec<Bar<'a>> {
    let width = (end_ns / count as u64).max(1);
    let mut covered = vec![0_u64; count];
    let mut until = 0;
    for (begin, end) in spans.filter(|&(begin, _)| begin != NEVER) {
        // Spans of one lane may overlap, and count once then.
        let begin = if many == 1 { begin.max(until) } else { begin };
        let end = end.min(end_ns);
        until = until.max(end);
        let mut at = begin;
        while at < end {
            let place = usize::try_from(at / width).unwrap_or(count).min(count - 1);
            let edge = match place + 1 == count {
                true => end,
                false => (place as u64 + 1) * width,
            };
            covered[place] += edge.min(end) - at;
            at = edge.min(end);
        }
    }
    let parts = (0..).zip(covered).filter(|&(_, ns)| ns > 0);
    parts
        .map(|(place, ns): (u64, u64)| {
            let percent = (ns * 100).div_ceil(width * many).min(100);
            let span = (place * width, (place + 1) * width);
            (class, span, percent.max(4), format!("{percent} % busy"))
        })
        .collect()
}

fn lanes(page: &mut String, shown: &Shown<'_>, lanes: &[Lane<'_>]) {
    let height = 18 * lanes.len();
    *page += "<div class=\"lanes\"><div class=\"names\">";
    for lane in lanes {
        push(
            page,
            format_args!("<div title=\"{0}\">{0}</div>", lane.name),
        );
    }
    push(
        page,
        format_args!(
            "</div><svg class=\"t\" data-h=\"{height}\" style=\"height:{height}px\" \
             viewBox=\"0 0 {WIDTH} {height}\" preserveAspectRatio=\"none\">"
        ),
    );
    for (index, lane) in lanes.iter().enumerate() {
        for (class, (begin, end), percent, title) in &lane.bars {
            let (x, until) = (place(*begin, shown), place(*end, shown));
            let tall = (16 * percent / 100).max(2);
            let y = 18 * index as u64 + 17 - tall;
            push(
                page,
                format_args!(
                    "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{tall}\">\
                     <title>{title}</title></rect>",
                    (until - x).max(200)
                ),
            );
        }
    }
    *page += "</svg></div>";
}

/// A time's place in the picture.
fn place(at_ns: u64, shown: &Shown<'_>) -> u64 {
    let whole = u128::from(shown.timeline.end_ns.max(1));
    let place = u128::from(at_ns) * u128::from(WIDTH) / whole;
    u64::try_from(place).unwrap_or(WIDTH).min(WIDTH)
}
