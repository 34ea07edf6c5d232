//! Replays the fuzzing corpus on any compiler. Inputs that once failed are part of it.

use std::path::Path;

use s3_tests::fuzz::TARGETS;

#[test]
fn no_kept_input_makes_a_target_contradict_itself() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, target) in TARGETS {
        let inputs: Vec<_> = std::fs::read_dir(corpus.join(name)).unwrap().collect();
        assert!(inputs.len() >= 4, "{name}: {} inputs", inputs.len());
        for input in inputs {
            target(&std::fs::read(input.unwrap().path()).unwrap());
        }
    }
}
