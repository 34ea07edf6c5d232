//! Parses docs/benchmarks.csv, the figures of the benchmark chart.

/// The first columns, in order. Other columns may follow.
const COLUMNS: [&str; 4] = ["workload", "task", "client", "cpu_ratio"];

/// A workload and the CPU time of each client, relative to s3-client.
#[derive(Debug, PartialEq)]
pub(super) struct Workload {
    pub(super) task: String,
    pub(super) bars: Vec<Bar>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Bar {
    pub(super) client: String,
    pub(super) ratio: f64,
}

/// Parses the figures. Lines that begin with `#` are comments.
pub(super) fn read(text: &str) -> Result<Vec<Workload>, String> {
    let mut lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.starts_with('#') && !line.is_empty());
    let header = lines
        .next()
        .map(|(_, line)| cells(line))
        .unwrap_or_default();
    if !header.starts_with(&COLUMNS.map(str::to_owned)) {
        return Err(format!(
            "1: the columns have to begin with {}",
            COLUMNS.join(",")
        ));
    }
    let mut workloads: Vec<(String, Workload)> = Vec::new();
    for (number, line) in lines {
        let cells = cells(line);
        let [workload, task, client, ratio, ..] = &cells[..] else {
            return Err(format!("{number}: expected {} cells", COLUMNS.len()));
        };
        let ratio = ratio.parse().ok().filter(|ratio| *ratio > 0.0);
        let ratio = ratio.ok_or_else(|| format!("{number}: the ratio is not a positive number"))?;
        let bar = Bar {
            client: client.clone(),
            ratio,
        };
        match workloads.last_mut() {
            Some((last, current)) if last == workload => current.bars.push(bar),
            _ => workloads.push((
                workload.clone(),
                Workload {
                    task: task.clone(),
                    bars: vec![bar],
                },
            )),
        }
    }
    Ok(workloads
        .into_iter()
        .map(|(_, workload)| workload)
        .collect())
}

/// Splits a line into cells. A quoted cell may contain commas.
fn cells(line: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let mut cell = String::new();
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    cells.push(cell);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "# Measured.\nworkload,task,client,cpu_ratio,seconds\n";

    #[test]
    fn rows_of_one_workload_follow_each_other() {
        let text =
            format!("{HEADER}W1,\"get, many\",ours,1,2\nW1,x,other,2.5,5\nW2,put,ours,1,1\n");
        let workloads = read(&text).unwrap();
        assert_eq!(workloads.len(), 2);
        assert_eq!(workloads[0].task, "get, many");
        assert_eq!(
            workloads[0].bars[1],
            Bar {
                client: "other".to_owned(),
                ratio: 2.5
            }
        );
    }

    #[test]
    fn malformed_rows_are_reported_with_their_line() {
        let problem = |row: &str| read(&format!("{HEADER}{row}\n")).unwrap_err();
        assert_eq!(problem("W1,get"), "3: expected 4 cells");
        for ratio in ["x", "0", "-1"] {
            let row = format!("W1,get,ours,{ratio}");
            assert_eq!(problem(&row), "3: the ratio is not a positive number");
        }
        assert!(
            read("client,ratio\n")
                .unwrap_err()
                .starts_with("1: the columns")
        );
    }
}
