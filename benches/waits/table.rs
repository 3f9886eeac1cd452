//! The tables.

use finbox_benches::spread;

/// Titles: what the rows are about, the figure, and whether ratios follow.
pub(crate) fn head(titles: &[&str], figure: &str, has_ratio: bool) {
    let ratio = if has_ratio { " times finbox |" } else { "" };
    let columns = titles.len() + 1 + usize::from(has_ratio);
    let titles = titles.join(" | ");
    println!("| {titles} | {figure}: median (least to most) |{ratio}");
    println!("|{}", " --- |".repeat(columns));
}

/// One row: a time a round, and how many times the first side's it was.
pub(crate) fn row(titles: &[&str], ns: &[f64], first: Option<&Vec<f64>>) {
    let (least, median, most) = spread(ns);
    print!(
        "| {} | {median:.2} ({least:.2} to {most:.2}) |",
        titles.join(" | ")
    );
    if let Some(first) = first {
        let ratios: Vec<f64> = ns.iter().zip(first).map(|(ns, first)| ns / first).collect();
        print!(" {:.2} |", spread(&ratios).1);
    }
    println!();
}
