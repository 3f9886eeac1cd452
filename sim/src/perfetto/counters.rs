//! How many tasks were ready and waiting, conditions unmet, messages in the mailbox.
//!
//! Called by `mod`.

use super::View;
use super::detail::Detail;
use super::sink::{Group, Kind, Sink};
use super::window::Window;
use crate::timeline::{NEVER, RankTimeline, Sample};

/// Writes the counters of a rank.
pub(super) fn write<S: Sink>(view: &View<'_>, sink: &mut S, group: Group, rank: &RankTimeline) {
    let [ready, waiting, unmet, mailbox] = match view.detail {
        Detail::All => {
            let all = [rank.ready(), rank.waiting(), rank.unmet()];
            let [ready, waiting, unmet] = all.map(|samples| seen(&samples, view.window));
            [ready, waiting, unmet, seen(&rank.mailbox, view.window)]
        }
        Detail::Bars { samples, .. } => outlines(view, rank, samples),
    };
    for (name, samples) in [
        ("ready tasks", ready),
        ("waiting tasks", waiting),
        ("unmet conditions", unmet),
        ("messages in the mailbox", mailbox),
    ] {
        if samples.is_empty() {
            continue;
        }
        sink.lane(group, name, Kind::Counter);
        for sample in samples {
            sink.count(sample.at_ns, sample.count);
        }
    }
}

/// The same, each at no more than about `most` moments.
fn outlines(view: &View<'_>, rank: &RankTimeline, most: usize) -> [Vec<Sample>; 4] {
    let end_ns = view
        .window
        .to_ns
        .min(view.timeline.end_ns.saturating_add(1));
    let window = Window {
        to_ns: end_ns,
        ..view.window
    };
    let tasks = || rank.tasks.iter();
    let ready = tasks().zip(rank.first_dispatches());
    let ready = ready.map(|(task, first)| (task.ready_ns, first.min(task.finished_ns)));
    let waiting = tasks()
        .zip(rank.last_fins())
        .filter(|(task, _)| !task.is_inline);
    let waiting = waiting.map(|(task, last)| (last, task.finished_ns));
    let unmet = rank.conditions.iter();
    let unmet = unmet.map(|one| (one.registered_ns, one.met_ns));
    [
        outline(ready, window, most),
        outline(waiting, window, most),
        outline(unmet, window, most),
        thinned(&seen(&rank.mailbox, window), most),
    ]
}

/// How many of `spans` are open at each of `most` moments of `window`, without repetitions.
fn outline(spans: impl Iterator<Item = (u64, u64)>, window: Window, most: usize) -> Vec<Sample> {
    if window.from_ns >= window.to_ns {
        return Vec::new();
    }
    let width = (window.to_ns - window.from_ns).div_ceil(most as u64).max(1);
    let moment = |ns: u64| {
        ns.saturating_sub(window.from_ns)
            .div_ceil(width)
            .min(most as u64)
    };
    let mut changes = vec![0_i64; most + 1];
    for (begin_ns, end_ns) in spans.filter(|(begin, end)| begin < end && *begin != NEVER) {
        for (ns, change) in [(begin_ns, 1), (end_ns, -1)] {
            let at = usize::try_from(moment(ns)).unwrap_or(most);
            changes[at] += change;
        }
    }
    let mut open = 0;
    let samples = (window.from_ns..).step_by(usize::try_from(width).unwrap_or(usize::MAX));
    let samples = samples.zip(&changes[..most]).map(|(at_ns, change)| {
        open += change;
        Sample {
            at_ns,
            count: u32::try_from(open).unwrap_or(0),
        }
    });
    let mut samples: Vec<Sample> = samples.collect();
    samples.dedup_by_key(|sample| sample.count);
    samples
}

/// Those in the window, and at its beginning what was so before.
fn seen(samples: &[Sample], window: Window) -> Vec<Sample> {
    let first = samples.partition_point(|it| it.at_ns < window.from_ns);
    let end = samples.partition_point(|it| it.at_ns < window.to_ns);
    let before = first.checked_sub(1).and_then(|last| samples.get(last));
    let before = before.map(|last| Sample {
        at_ns: window.from_ns,
        ..*last
    });
    let inside = samples.get(first..end).unwrap_or_default();
    let is_told = inside.first().is_some_and(|it| it.at_ns == window.from_ns);
    let before = before.filter(|_| !is_told);
    before.into_iter().chain(inside.iter().copied()).collect()
}

/// At most about `most` of them: of neighbours the largest, where the first of them is.
fn thinned(samples: &[Sample], most: usize) -> Vec<Sample> {
    let width = samples.len().div_ceil(most.max(1)).max(1);
    let largest = |near: &[Sample]| Sample {
        at_ns: near.first().map_or(0, |it| it.at_ns),
        count: near.iter().map(|it| it.count).max().unwrap_or(0),
    };
    let mut thin: Vec<Sample> = samples.chunks(width).map(largest).collect();
    // The last one holds until the end.
    if let (Some(last), true) = (samples.last(), width > 1) {
        thin.push(*last);
    }
    thin
}

#[cfg(test)]
mod tests {
    use super::{Sample, Window, outline, seen, thinned};

    fn samples(all: &[(u64, u32)]) -> Vec<Sample> {
        let sample = |&(at_ns, count)| Sample { at_ns, count };
        all.iter().map(sample).collect()
    }

    #[test]
    fn a_window_begins_with_what_was_so_before() {
        let all = samples(&[(10, 1), (20, 2), (30, 3)]);
        let window = |from_ns, to_ns| Window { from_ns, to_ns };
        assert_eq!(seen(&all, Window::ALL), all);
        assert_eq!(seen(&all, window(15, 30)), samples(&[(15, 1), (20, 2)]));
        assert_eq!(seen(&all, window(20, 25)), samples(&[(20, 2)]));
        assert_eq!(seen(&all, window(40, 50)), samples(&[(40, 3)]));
        assert_eq!(seen(&all, window(0, 5)), []);
    }

    #[test]
    fn an_outline_says_what_is_open_at_each_moment() {
        let window = Window {
            from_ns: 100,
            to_ns: 200,
        };
        let never = u64::MAX;
        let spans = [
            (0, 120),
            (110, 111),
            (115, 150),
            (130, never),
            (never, never),
            (190, 300),
        ];
        let found = outline(spans.into_iter(), window, 10);
        let expected = [(100, 1), (110, 2), (120, 1), (130, 2), (150, 1), (190, 2)];
        assert_eq!(found, samples(&expected));
        let behind = Window {
            from_ns: u64::MAX - 5,
            to_ns: 200,
        };
        assert_eq!(outline(spans.into_iter(), behind, 10), []);
    }

    #[test]
    fn thinning_keeps_peaks_and_the_end() {
        let all = samples(&[(1, 1), (2, 9), (3, 2), (4, 1), (5, 0)]);
        assert_eq!(thinned(&all, usize::MAX), all);
        assert_eq!(thinned(&all, 2), samples(&[(1, 9), (4, 1), (5, 0)]));
    }
}
