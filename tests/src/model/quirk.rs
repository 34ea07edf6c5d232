//! [`Quirk`]: behaviour of Metaflow's client that this client deliberately does not have, one per deviation.

use std::collections::BTreeSet;
use std::fmt;

macro_rules! quirks {
    ($($quirk:ident = $name:literal: $doc:literal;)*) => {
        /// One thing that the reference does and the client does not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Quirk { $(#[doc = $doc] $quirk,)* }

        impl Quirk {
            /// All quirks.
            pub const ALL: &[Self] = &[$(Self::$quirk),*];

            /// Returns the name of the quirk in `deviations.jsonl`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$quirk => $name,)* }
            }
        }
    };
}

quirks! {
    SchemeCase = "scheme-case": "`S3://` is kept in results, and is a plain key below a root.";
    MalformedRoot = "malformed-root": "Roots without a usable bucket pass the constructor.";
    MalformedUrl = "malformed-url": "Full URLs without a usable bucket pass, and fail as retried requests.";
    EmptyKey = "empty-key": "An empty object key is sent, rejected by the SDK, and retried.";
    LongKey = "long-key": "A key of more than 1,024 bytes is sent, and the error response is retried.";
    QueryPart = "query-part": "What follows `?` is cut from the key.";
    ControlCharacters = "control-characters": "Tabs and line breaks are removed from keys, blanks before a URL too.";
    LeadingSlash = "leading-slash": "Slashes at the start of a full URL's key are removed.";
    QuoteStripped = "quote-stripped": "`info` removes quotes at the start of a key.";
    ListingKeys = "listing-keys": "Listings lose the slashes at the start of keys.";
    RecursivePrefix = "recursive-prefix": "`get_all` leaves the root's directory, and keys are cut inside names.";
    NegativeLength = "negative-length": "A negative length means that number of bytes from the end.";
    SenselessRange = "senseless-range": "A length of zero or a negative offset is sent as a malformed header.";
    UnsatisfiableMany = "unsatisfiable-many": "`get_many` retries 416 and ends in another class.";
    FatalFirst = "fatal-first": "In calls on many objects a missing or forbidden one hides other failures before it.";
    ListRetries = "list-retries": "A listing has fewer retries, and begins again with its first page.";
    AttemptsInAll = "attempts-in-all": "Attempts are counted in all, also when bytes have moved.";
    WholeRefused = "whole-refused": "416 is believed, although no range was asked for.";
    PathFirst = "path-first": "`put_files` looks for the file before it looks at the key.";
    HeaderCharacters = "header-characters": "A content type that does not fit into a header is sent anyway.";
    PermanentErrors = "permanent-errors": "Unknown 4xx responses are retried; their class is the general one.";
    InfoManyFatal = "info-many-fatal": "A dropped connection is fatal in `info_many`.";
    CheckFirst = "check-first": "`overwrite=False` asks with a HEAD first, and believes its failures.";
    SilentLoss = "silent-loss": "`put_many` drops objects of a missing bucket from its result.";
    FieldIgnored = "field-ignored": "`S3PutObject.encryption` is ignored.";
    BadMetadata = "bad-metadata": "Metadata that is not JSON makes reading fail.";
    Rewind = "rewind": "`put` rewinds a stream and a file, `put_many` reads them from where they stand.";
    StreamStaysOpen = "stream-stays-open": "`put_many` leaves the caller's stream open.";
    NonSeekable = "non-seekable": "Streams that cannot seek are rejected.";
    DirectoryValue = "directory-value": "A directory among the files is found out during the upload only.";
    RelativeTemporary = "relative-temporary": "A relative directory for temporary files breaks after a chdir.";
    RepeatedDownload = "repeated-download": "An input that is repeated in a call is requested again.";
    SharedFile = "shared-file": "A second download of the same object changes the first result.";
    AfterClose = "after-close": "After `close` some calls work and some do not, and data of earlier results is gone.";
    TemporaryGone = "temporary-gone": "Downloads fail when the temporary directory is gone.";
    PythonErrors = "python-errors": "Errors of the operating system come as Python's own exceptions.";
    SpoiledParameters = "spoiled-parameters": "`client_params` and a call on one object make calls on many fail.";
    LenientConfig = "lenient-config": "Parts of a run's root are not checked.";
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The quirks of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quirks(BTreeSet<Quirk>);

impl Quirks {
    /// Returns no quirks, as documented for the client.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Returns all quirks, as in the reference.
    #[must_use]
    pub fn all() -> Self {
        Quirk::ALL.iter().copied().collect()
    }

    /// Returns all quirks except one.
    #[must_use]
    pub fn all_but(without: Quirk) -> Self {
        Quirk::ALL
            .iter()
            .copied()
            .filter(|quirk| *quirk != without)
            .collect()
    }

    /// Returns whether the model has this quirk.
    #[must_use]
    pub fn has(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }
}

impl FromIterator<Quirk> for Quirks {
    fn from_iter<T: IntoIterator<Item = Quirk>>(quirks: T) -> Self {
        Self(quirks.into_iter().collect())
    }
}
