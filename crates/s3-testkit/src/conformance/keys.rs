//! Conformance cases of unusual keys, such as `a//b`: writes, reads, listings, copies and deletes keep their exact
//! bytes.

use s3_core::{CopyRequest, ErrorKind, GetRequest, Store};

use super::assertions::{fails, succeeds};
use super::pages::all_keys;
use super::verdict::require;
use super::{Harness, Verdict};

/// Writes, reads, lists, copies and deletes an object with this key; checks that objects with similar keys do not
/// change.
async fn round_trip(harness: &Harness, key: &str) {
    let copy = format!("copies/{}", key.len());
    harness.put("bystander", "bystander").await;
    harness.put(key, key.to_owned()).await;

    assert_eq!(harness.read(key).await, key, "get");
    let meta = harness.head(key).await;
    assert_eq!(
        (meta.url, meta.size),
        (harness.url(key), key.len() as u64),
        "head"
    );
    assert_eq!(
        all_keys(harness, harness.listing(key)).await,
        [key],
        "the key as a prefix"
    );
    let mut listed = all_keys(harness, harness.listing("")).await;
    listed.sort();
    let mut expected = [key, "bystander"];
    expected.sort_unstable();
    assert_eq!(listed, expected, "the whole listing");

    succeeds(
        harness
            .store
            .copy(CopyRequest::new(harness.url(key), harness.url(&copy)))
            .await,
    );
    assert_eq!(harness.read(&copy).await, key, "a copy from the key");
    super::copy_delete::delete(harness, &[key]).await;
    fails(
        harness.store.get(GetRequest::new(harness.url(key))).await,
        ErrorKind::NotFound,
    );
    succeeds(
        harness
            .store
            .copy(CopyRequest::new(harness.url(&copy), harness.url(key)))
            .await,
    );
    assert_eq!(harness.read(key).await, key, "a copy to the key");
    super::copy_delete::delete(harness, &[key, &copy]).await;
    assert_eq!(
        all_keys(harness, harness.listing("")).await,
        ["bystander"],
        "after the delete"
    );
}

/// Defines one case per key.
macro_rules! round_trips {
    ($($(#[doc = $doc:literal])+ $name:ident($($capability:ident)?) => $key:expr;)*) => {
        $(
            $(#[doc = $doc])+
            pub async fn $name(harness: &Harness) -> Verdict {
                $(require!(harness, $capability);)?
                round_trip(harness, $key).await;
                Verdict::Ran
            }
        )*
    };
}

round_trips! {
    /// `plain.txt`, for comparison.
    plain() => "plain.txt";
    /// `dir/file`.
    slash() => "dir/file";
    /// `a//b`: an empty name in the middle.
    double_slash(exact_keys) => "a//b";
    /// `/a`: an empty name at the beginning.
    leading_slash(exact_keys) => "/a";
    /// `dir/`: an empty name at the end.
    trailing_slash(exact_keys) => "dir/";
    /// `/`: nothing but a delimiter.
    only_a_slash(exact_keys) => "/";
    /// `./x`: not the current directory.
    dot(exact_keys) => "./x";
    /// `a/../b`: not the parent directory.
    dot_dot(exact_keys) => "a/../b";
    /// `..` alone.
    only_dots(exact_keys) => "..";
    /// `a?q=1&r`: `?` does not begin the query of the URL.
    question_mark() => "a?q=1&r";
    /// `a#f`: `#` does not begin the fragment of the URL.
    hash() => "a#f";
    /// `a%20b`: `%20` is not an escape.
    percent() => "a%20b";
    /// `100%`: `%` does not begin an escape.
    lone_percent() => "100%";
    /// `a b`: a space.
    space() => "a b";
    /// A space at each end.
    outer_spaces(exact_keys) => " a ";
    /// A single space, which is a key and not a missing key.
    only_a_space(exact_keys) => " ";
    /// A single no-break space.
    only_a_no_break_space(exact_keys) => "\u{a0}";
    /// A single line feed.
    only_a_line_feed(exact_keys) => "\n";
    /// `a+b`: not a space.
    plus() => "a+b";
    /// `a=b:c;d,e@f$g!h*i(j)k~l`: characters that SigV4 must percent-encode, and others that it must not.
    punctuation() => "a=b:c;d,e@f$g!h*i(j)k~l|m[n]o{p}q^r`s";
    /// `é`: two bytes.
    accent() => "é";
    /// `é` as a letter and a combining accent: a different key than the composed form.
    decomposed_accent() => "e\u{301}";
    /// `ключ/鍵/😀`: two, three and four bytes a character.
    other_scripts() => "ключ/鍵/😀";
    /// U+0001, which XML 1.0 cannot represent.
    control_character(exact_keys) => "a\u{1}b";
    /// U+007F.
    delete_character(exact_keys) => "a\u{7f}b";
    /// A line feed.
    line_feed(exact_keys) => "a\nb";
    /// A carriage return, which XML parsers convert to a line feed.
    carriage_return(exact_keys) => "a\rb";
    /// A tab.
    tab(exact_keys) => "a\tb";
    /// Double quotes.
    double_quote() => "a\"b";
    /// Single quotes.
    single_quote() => "a'b";
    /// `<a>&amp;`: not markup.
    markup() => "<a>&amp;]]>";
    /// A backslash: not a separator.
    backslash(exact_keys) => "a\\b";
    /// U+FFFF, which XML 1.0 cannot represent either.
    noncharacter(exact_keys) => "a\u{ffff}b";
}

/// The longest key that S3 allows, in one-byte characters.
pub async fn the_longest_key(harness: &Harness) -> Verdict {
    require!(harness, exact_keys);
    round_trip(harness, &"k".repeat(1024 - harness.prefix.len())).await;
    Verdict::Ran
}

/// The longest key that S3 allows, in four-byte characters: 3,072 bytes in a URL.
pub async fn the_longest_key_in_four_bytes_each(harness: &Harness) -> Verdict {
    require!(harness, exact_keys);
    let room = 1024 - harness.prefix.len();
    round_trip(
        harness,
        &format!("{}{}", "k".repeat(room % 4), "😀".repeat(room / 4)),
    )
    .await;
    Verdict::Ran
}

/// Similar keys that a layer might confuse name different objects.
pub async fn keys_that_look_alike_stay_apart(harness: &Harness) -> Verdict {
    require!(harness, exact_keys);
    let alike = [
        "a b",
        "a+b",
        "a%20b",
        "a%2520b",
        "a%2Bb",
        "A b",
        "é",
        "e\u{301}",
        "dir",
        "dir/",
        "dir//",
        "/dir",
        "./dir",
        "dir/.",
        "dir/../dir",
        "a\nb",
        "a\r\nb",
        "a\\b",
        "a/b",
    ];
    for key in alike {
        harness.put(key, key).await;
    }
    for key in alike {
        assert_eq!(harness.read(key).await, key);
    }
    let mut expected = alike.map(str::to_owned);
    expected.sort();
    assert_eq!(all_keys(harness, harness.listing("")).await, expected);
    super::copy_delete::delete(harness, &["dir/", "a b", "é"]).await;
    assert_eq!(
        all_keys(harness, harness.listing("")).await.len(),
        alike.len() - 3
    );
    Verdict::Ran
}
