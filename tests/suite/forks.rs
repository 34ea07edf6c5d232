//! A client used in a forked child fails at once and says why, with real forks.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_client_in_a_forked_child_fails_at_once_and_says_why() {
    let program = env!("CARGO_BIN_EXE_forks");
    let mut child = Command::new(program)
        .arg("20")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            panic!("a forked child hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "forked\n");
}
