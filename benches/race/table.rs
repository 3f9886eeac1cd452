//! The table of times and ratios.

use finbox_benches::spread;

use crate::contest::{Contest, FIVE_MESSAGES, Times};

/// Titles.
pub(crate) fn head() {
    println!(
        "| contest | side | ns a message: median (least to most) \
         | times the first: median, worst | times finbox's five messages |"
    );
    println!("| --- | --- | --- | --- | --- |");
}

/// One row a side. The first is finbox, which the others are divided by, round by round; and where
/// there is one, by the finbox that sends the same messages as they.
pub(crate) fn rows(contest: &Contest, sides: &[Times]) {
    let alike = sides.iter().find(|side| side.name == FIVE_MESSAGES);
    for side in sides {
        let ((least, median, most), (worst, ratio, _)) =
            (spread(&side.ns), spread(&ratios(side, &sides[0])));
        let alike = alike.map_or("–".to_owned(), |alike| {
            let (worst, ratio, _) = spread(&ratios(side, alike));
            format!("{ratio:.2}, {worst:.2}")
        });
        println!(
            "| {} | {} | {median:.1} ({least:.1} to {most:.1}) \
             | {ratio:.2}, {worst:.2} | {alike} |",
            contest.name, side.name
        );
    }
}

fn ratios(side: &Times, by: &Times) -> Vec<f64> {
    let pairs = side.ns.iter().zip(&by.ns);
    pairs.map(|(side, by)| side / by).collect()
}
