//! Chart rule: checks that docs/benchmarks.svg is the output of `cargo xtask chart` for docs/benchmarks.csv.

use super::{Finding, SourceFile};
use crate::chart::{CHART, DATA, draw};

pub(super) fn check(files: &[SourceFile]) -> Option<Finding> {
    let data = files.iter().find(|file| file.path == DATA)?;
    let chart = files.iter().find(|file| file.path == CHART);
    match draw(&data.text) {
        Err(problem) => Some(data.finding(1, format!("line {problem}"))),
        Ok(drawn) if chart.is_none_or(|chart| chart.text != drawn) => Some(data.finding(
            1,
            format!("{CHART} is out of date: run `cargo xtask chart`"),
        )),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::file;
    use super::*;

    const FIGURES: &str = "workload,task,client,cpu_ratio\nW1,get,s3-client,1\n";

    #[test]
    fn a_chart_of_other_figures_is_reported() {
        let data = file(DATA, FIGURES);
        let drawn = file(CHART, &draw(FIGURES).unwrap());
        assert_eq!(check(&[data, drawn]), None);
        let old = draw(&FIGURES.replace(",1\n", ",2\n")).unwrap();
        for files in [
            vec![file(DATA, FIGURES)],
            vec![file(DATA, FIGURES), file(CHART, &old)],
        ] {
            assert!(check(&files).is_some());
        }
    }
}
