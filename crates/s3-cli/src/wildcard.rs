//! [`Wildcard`]: pattern for keys and names: `*` matches any characters including `/`, `?` one, `[…]` a class.

use regex::{Regex, escape};

/// A pattern for keys or names.
#[derive(Clone, Debug)]
pub(crate) struct Wildcard {
    matcher: Regex,
    /// The text before the first wildcard, with escapes resolved.
    literal: String,
    /// Whether the pattern ends with `*`, so that it also matches every continuation of a match.
    ends_open: bool,
}

impl Wildcard {
    /// Parses a pattern that has to match the whole text.
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        let parts = parts(pattern);
        let literal = literal(
            parts
                .iter()
                .take_while(|part| matches!(part, Part::Plain(_))),
        );
        let ends_open = matches!(parts.last(), Some(Part::Any));
        let matcher = compile(&parts)
            .ok_or_else(|| format!("{pattern:?} is not a pattern: a class is open or invalid"))?;
        Ok(Self {
            matcher,
            literal,
            ends_open,
        })
    }

    /// Returns whether the pattern matches the whole of `text`.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.matcher.is_match(text)
    }

    /// Returns the literal text that every match begins with.
    pub(crate) fn literal(&self) -> &str {
        &self.literal
    }

    /// Returns whether the pattern matches everything that begins with `start`.
    pub(crate) fn covers(&self, start: &str) -> bool {
        self.ends_open && self.matches(start)
    }

    /// Returns whether the pattern may match something that begins with `start`.
    pub(crate) fn may_match_below(&self, start: &str) -> bool {
        self.literal.starts_with(start) || start.starts_with(&self.literal)
    }
}

/// Returns whether a text contains a wildcard.
pub(crate) fn has_wildcard(text: &str) -> bool {
    parts(text)
        .iter()
        .any(|part| !matches!(part, Part::Plain(_)))
}

/// Returns a text without wildcards, with escapes resolved.
pub(crate) fn unescape(text: &str) -> String {
    literal(parts(text).iter())
}

enum Part<'a> {
    Plain(char),
    Any,
    One,
    /// A class with its brackets, or an opening bracket that is never closed.
    Class(&'a str),
}

fn parts(pattern: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut chars = pattern.char_indices();
    while let Some((at, letter)) = chars.next() {
        match letter {
            '*' if matches!(parts.last(), Some(Part::Any)) => {}
            '*' => parts.push(Part::Any),
            '?' => parts.push(Part::One),
            '[' => {
                let class = class(&pattern[at..]);
                parts.push(Part::Class(class));
                parts.extend(self::parts(&pattern[at + class.len()..]));
                return parts;
            }
            '\\' => {
                let mut after = chars.clone();
                match after.next() {
                    Some((_, special @ ('*' | '?' | '[' | ']' | '\\'))) => {
                        chars = after;
                        parts.push(Part::Plain(special));
                    }
                    _ => parts.push(Part::Plain('\\')),
                }
            }
            plain => parts.push(Part::Plain(plain)),
        }
    }
    parts
}

/// Returns the class that a text starts with. A `]` right after the opening bracket or `!` belongs to the class.
fn class(text: &str) -> &str {
    let inner = text[1..].strip_prefix(['!', '^']).unwrap_or(&text[1..]);
    let skipped = text.len() - inner.len();
    let first = inner.chars().next().map_or(0, char::len_utf8);
    match inner[first..].find(']') {
        Some(end) => &text[..skipped + first + end + 1],
        None => &text[..1],
    }
}

fn literal<'a>(parts: impl Iterator<Item = &'a Part<'a>>) -> String {
    let plain = |part: &Part<'_>| match part {
        Part::Plain(letter) => Some(*letter),
        _ => None,
    };
    parts.filter_map(plain).collect()
}

fn compile(parts: &[Part<'_>]) -> Option<Regex> {
    let mut regex = r"(?s)\A".to_owned();
    for part in parts {
        match part {
            Part::Any => regex.push_str(".*"),
            Part::One => regex.push('.'),
            Part::Class(class) => push_class(&mut regex, class)?,
            Part::Plain(letter) => regex.push_str(&escape(letter.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push_str(r"\z");
    Regex::new(&regex).ok()
}

/// Adds a class, in which only `-` and a leading `!` or `^` are special; `None` if it is not closed.
fn push_class(regex: &mut String, class: &str) -> Option<()> {
    let inner = class[1..].strip_suffix(']')?;
    let letters = inner.strip_prefix(['!', '^']);
    regex.push_str(if letters.is_some() { "[^" } else { "[" });
    for letter in letters.unwrap_or(inner).chars() {
        match letter {
            '-' => regex.push('-'),
            plain => regex.push_str(&escape(plain.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push(']');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Wildcard::parse(pattern).unwrap().matches(text)
    }

    #[test]
    fn a_star_crosses_slashes_and_line_breaks() {
        assert!(matches("a*z", "a/b\n/c/z") && matches("*", "") && matches("a/**/z", "a/b/z"));
        assert!(!matches("a/**/z", "a/z") && !matches("a*", "ba"));
    }

    #[test]
    fn classes_and_single_characters() {
        assert!(matches("[a-c]?", "bé") && matches("[!a]", "b") && matches("[]]", "]"));
        assert!(matches("[a&&b][^~]", "&b") && !matches("[a&&b]", "c"));
        assert!(!matches("[a-c]?", "d1") && !matches("?", "ab"));
        assert!(matches("a[0-9]b*", "a7b/c"));
        assert!(Wildcard::parse("a[b").is_err());
    }

    #[test]
    fn braces_and_escaped_wildcards_are_literal() {
        assert!(matches("{a,b}*", "{a,b}c") && !matches("{a,b}", "a"));
        assert!(matches(r"\*?", "*x") && !matches(r"\*?", "yx"));
        assert!(matches(r"a\b*", r"a\bc"));
        assert_eq!(unescape(r"a\*b\c\\"), r"a*b\c\");
        assert!(!has_wildcard(r"a\*b\[c\?") && has_wildcard("a[b") && has_wildcard("a?"));
    }

    #[test]
    fn the_literal_start_bounds_what_is_listed_or_walked() {
        let pattern = Wildcard::parse(r"logs/\*/2026-*").unwrap();
        assert_eq!(pattern.literal(), "logs/*/2026-");
        assert!(pattern.may_match_below("logs/") && pattern.may_match_below("logs/*/2026-11/"));
        assert!(!pattern.may_match_below("data/"));
        let all = Wildcard::parse("data/*").unwrap();
        assert!(all.covers("data/") && all.covers("data/x/") && !all.covers("dat/"));
        assert!(!Wildcard::parse("*.log").unwrap().covers("x/"));
    }
}
