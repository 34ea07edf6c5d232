//! Vocabulary rule: finds words that this repository does not use, and names their replacements.
//!
//! The rule covers code, comments, documents and error texts. Names are split into words, so `ErrorAnswer` and
//! `error_answer` both contain "answer". A phrase may continue on the next line of a comment.

use super::{Finding, SourceFile};

/// A word or phrase in all its forms, and its replacement.
struct Entry {
    forms: &'static [&'static str],
    replacement: &'static str,
    /// Only text with spaces counts: `is_none()` is code.
    prose_only: bool,
}

const fn word(forms: &'static [&'static str], replacement: &'static str) -> Entry {
    Entry {
        forms,
        replacement,
        prose_only: false,
    }
}

const fn prose(forms: &'static [&'static str], replacement: &'static str) -> Entry {
    Entry {
        forms,
        replacement,
        prose_only: true,
    }
}

const ENTRIES: &[Entry] = &[
    // The terms of S3, HTTP and tokio have other names.
    word(
        &["answer", "answers", "answered", "answering"],
        "response, respond, return",
    ),
    word(&["refusal", "refusals"], "error response, rejection"),
    word(&["under way"], "in flight, running"),
    word(&["crew", "crews"], "worker pool"),
    word(&["lane", "lanes"], "worker"),
    word(&["ledger", "ledgers"], "request log"),
    word(&["leftover", "leftovers"], "orphan, stale upload"),
    word(&["torn"], "interrupted, checksum mismatch"),
    word(&["vouch", "vouches"], "trust, verify"),
    word(&["victim", "victims"], "crash child"),
    // Words of novels.
    word(&["deed", "deeds"], "operation, effect"),
    word(&["vain"], "wasted, without success"),
    word(&["tidings"], "event"),
    word(&["afresh", "anew"], "again"),
    word(
        &["hence", "lest", "thereof", "wherein", "whereof"],
        "a plain sentence",
    ),
    word(&["whosoever", "whomever"], "the caller that"),
    word(&["nonsense"], "malformed input"),
    word(&["somebody", "whoever"], "another client, the caller"),
    // Phrases that hide the subject.
    word(&["as it were"], "nothing: leave it out"),
    word(
        &["comes of", "came of", "come of", "becomes of", "became of"],
        "the result of",
    ),
    word(&["round in a circle", "round in circles"], "in a loop"),
    word(&["to and fro"], "back and forth"),
    prose(&["go on", "goes on", "went on"], "continue, resume"),
    prose(&["for good"], "permanently"),
    prose(&["all the same"], "anyway, nevertheless"),
    prose(&["at hand"], "in memory, available"),
    prose(&["is at it"], "is running it"),
    prose(&["but for"], "except"),
    prose(&["so many"], "a number of, this number of"),
    prose(
        &["is none", "are none", "was none"],
        "there is no …, is missing, is not a …",
    ),
];

/// Folders whose text does not follow the rule yet, and licences, which we do not edit.
const NOT_COVERED: &[&str] = &[
    "LICENSE-",
    // The recorded cases name their files `answer.http`.
    "tests/cases/",
];

/// Files that must contain a word, with the reason.
const EXCEPTIONS: &[(&str, &[&str], &str)] = &[
    (
        "xtask/src/tidy/words.rs",
        &["*"],
        "this table and its tests contain all of the words",
    ),
    (
        "CHANGELOG.md",
        &["*"],
        "its tables of renamed items show the old names",
    ),
    (
        "tests/src/cases/derive.rs",
        &["answer", "leftovers"],
        "recorded cases name their files and calls like this",
    ),
];

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    let is_covered = !NOT_COVERED.iter().any(|start| file.path.starts_with(start));
    // Recorded vectors contain texts of other programs.
    if !is_covered || file.path.ends_with(".jsonl") || file.name() == "Cargo.lock" {
        return Vec::new();
    }
    unwanted(file)
        .into_iter()
        .filter(|(_, form, _)| !is_excepted(&file.path, form))
        .map(|(line, form, replacement)| {
            file.finding(line, format!("`{form}` is not our word: {replacement}"))
        })
        .collect()
}

fn is_excepted(path: &str, form: &str) -> bool {
    EXCEPTIONS
        .iter()
        .any(|(file, forms, _)| *file == path && (forms.contains(&form) || forms.contains(&"*")))
}

/// Returns line, form and replacement of each occurrence.
fn unwanted(file: &SourceFile) -> Vec<(usize, &'static str, &'static str)> {
    let words = words(&file.text);
    let mut found = Vec::new();
    // In Python `x is None` is code.
    let is_python = file.path.ends_with(".py");
    for entry in ENTRIES
        .iter()
        .filter(|entry| !(entry.prose_only && is_python))
    {
        for form in entry.forms {
            let form_words: Vec<_> = form.split(' ').collect();
            for window in words.windows(form_words.len()) {
                if is_form(window, &form_words, entry.prose_only) {
                    found.push((window[0].line, *form, entry.replacement));
                }
            }
        }
    }
    found.sort_by_key(|&(line, ..)| line);
    found
}

fn is_form(window: &[Word], form: &[&str], prose_only: bool) -> bool {
    let follows = |word: &Word| match word.gap {
        Gap::Space => true,
        Gap::Underscore => !prose_only,
        Gap::Other => false,
    };
    window
        .iter()
        .zip(form)
        .all(|(word, form)| word.text == *form)
        && window.iter().skip(1).all(follows)
}

/// A run of letters in lower case.
#[derive(Debug, PartialEq)]
struct Word {
    text: String,
    line: usize,
    gap: Gap,
}

/// The text between a word and the word before it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Gap {
    /// White space, or a line break and a comment marker.
    Space,
    Underscore,
    /// Punctuation, or a word boundary in a `CamelCase` name.
    Other,
}

impl Gap {
    fn of(between: &str) -> Self {
        let (first, next_line) = between.split_once('\n').unwrap_or((between, ""));
        let is_space = first.chars().all(|c| c.is_whitespace() || c == '\\')
            && next_line
                .chars()
                .all(|c| c.is_whitespace() || "/!#*>".contains(c));
        match between {
            "_" => Self::Underscore,
            _ if is_space && !between.is_empty() => Self::Space,
            _ => Self::Other,
        }
    }
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let (mut line, mut end) = (1, 0);
    let mut chars = text.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        if !first.is_ascii_alphabetic() {
            line += usize::from(first == '\n');
            continue;
        }
        let gap = Gap::of(&text[end..start]);
        end = start + 1;
        let mut was_lower = first.is_ascii_lowercase();
        while let Some((at, c)) = chars
            .next_if(|&(_, c)| c.is_ascii_lowercase() || (c.is_ascii_uppercase() && !was_lower))
        {
            was_lower = c.is_ascii_lowercase();
            end = at + 1;
        }
        words.push(Word {
            text: text[start..end].to_ascii_lowercase(),
            line,
            gap,
        });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::tests::{file, lines};
    use super::*;

    fn found(text: &str) -> Vec<String> {
        lines(&check(&file("xtask/src/a.rs", text)))
    }

    #[test]
    fn phrases_are_not_searched_in_python_code() {
        let found = |path| lines(&check(&file(path, "if x is None: answer\n"))).len();
        assert_eq!((found("a.py"), found("a.rs")), (1, 2));
    }

    #[test]
    fn a_word_is_found_in_prose_and_in_names() {
        for text in [
            "An answer.",
            "fn error_answer() {}",
            "ErrorAnswer",
            "answerBody",
        ] {
            let expected = "xtask/src/a.rs:2: `answer` is not our word: response, respond, return";
            assert_eq!(found(&format!("//! A.\n{text}\n")), [expected], "{text}");
        }
        for text in ["planes", "deeds2: indeed", "unanswerable", "crewed"] {
            let clean = text.replace("deeds2: ", "");
            assert_eq!(found(&clean), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_phrase_is_found_across_lines_of_a_comment() {
        let expected = "xtask/src/a.rs:1: `under way` is not our word: in flight, running";
        for text in [
            "    /// is under\n    /// way\n",
            "under way",
            "what_is_under_way",
        ] {
            assert_eq!(found(text), [expected], "{text}");
        }
        assert_eq!(found("under: way; under. Way"), [""; 0]);
    }

    #[test]
    fn is_none_is_code() {
        assert_eq!(found("value.is_none()"), [""; 0]);
        assert_eq!(found("if there is none").len(), 1);
    }

    #[test]
    fn vectors_are_not_checked() {
        assert_eq!(check(&file("xtask/a.jsonl", "answer\n")), []);
    }

    #[test]
    fn every_exception_is_needed() {
        let root = crate::workspace::root();
        for (path, forms, _) in EXCEPTIONS {
            let text = std::fs::read_to_string(root.join(path)).unwrap();
            let found = unwanted(&file(path, &text));
            for form in *forms {
                let is_used = found
                    .iter()
                    .any(|(_, other, _)| form == other || *form == "*");
                assert!(is_used, "{path} does not contain {form}");
            }
        }
    }
}
