//! The table of times and ratios.

use finbox_benches::spread;

use crate::contest::{Contest, Times};

/// Titles.
pub(crate) fn head() {
    println!(
        "| contest | side | ns a message: median (least to most) | times finbox: median, worst |"
    );
    println!("| --- | --- | --- | --- |");
}

/// One row a side. The first is finbox, which the others are divided by, round by round.
pub(crate) fn rows(contest: &Contest, sides: &[Times]) {
    let finbox = &sides[0].ns;
    for side in sides {
        let ratios: Vec<f64> = side
            .ns
            .iter()
            .zip(finbox)
            .map(|(side, finbox)| side / finbox)
            .collect();
        let ((least, median, most), (worst, ratio, _)) = (spread(&side.ns), spread(&ratios));
        println!(
            "| {} | {} | {median:.1} ({least:.1} to {most:.1}) | {ratio:.2}, {worst:.2} |",
            contest.name, side.name
        );
    }
}
