//! [`CopyArgs`]: the command-line options of `cp` and `mv`.

use std::ffi::OsString;

use clap::Args;
use s3_core::ByteRange;

use super::AttributeArgs;
use super::name_list::NameList;
use crate::commands::cat::parse_range;
use crate::commands::resume_args::ResumeArgs;
use crate::filter::Filter;

/// Options of `cp` and `mv`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CopyArgs {
    /// s3://bucket/key, a path, or - for standard input or output
    #[arg(value_name = "PATH", num_args = 2.., required = true)]
    pub(super) paths: Vec<OsString>,
    /// Take everything below the sources
    #[arg(short, long)]
    pub(super) recursive: bool,
    /// Leave existing destinations alone
    #[arg(short, long, alias = "no-overwrite", alias = "ignore-existing")]
    pub(super) no_clobber: bool,
    #[command(flatten)]
    pub(super) filter: Filter,
    #[command(flatten)]
    pub(super) names: NameList,
    /// Skip symbolic links
    #[arg(long)]
    pub(super) no_follow_symlinks: bool,
    /// Upload empty directories, as empty keys DIR/
    #[arg(long)]
    pub(super) empty_dirs: bool,
    /// Take *, ? and [ literally
    #[arg(long)]
    pub(super) raw: bool,
    /// Put all files into one directory
    #[arg(long)]
    pub(super) flatten: bool,
    /// Keep modification times
    #[arg(long)]
    pub(super) preserve: bool,
    /// Compare each copy; fail if contents differ
    #[arg(long, conflicts_with = "range")]
    pub(super) verify: bool,
    /// Percent-encode names that cannot be paths
    #[arg(long)]
    pub(super) encode_names: bool,
    #[command(flatten)]
    pub(super) resume: ResumeArgs,
    /// Bytes of one object: 0-99, 100- or -100
    #[arg(long, value_parser = parse_range, allow_hyphen_values = true)]
    pub(super) range: Option<ByteRange>,
    /// Copy this version of one object
    #[arg(long, value_name = "ID")]
    pub(super) version_id: Option<String>,
    #[command(flatten)]
    pub(super) attributes: AttributeArgs,
}

impl CopyArgs {
    /// Returns whether a source or the list of names is standard input.
    pub(in crate::commands) fn reads_stdin(&self) -> bool {
        let sources = self
            .paths
            .split_last()
            .map_or(&[][..], |(_, sources)| sources);
        sources.iter().any(|source| source == "-") || self.names.is_stdin()
    }

    /// Returns the options of a copy of standard input to an object.
    pub(crate) fn from_stdin(url: String, no_clobber: bool, attributes: AttributeArgs) -> Self {
        Self {
            paths: vec!["-".into(), url.into()],
            recursive: false,
            no_clobber,
            filter: Filter::default(),
            names: NameList::default(),
            no_follow_symlinks: false,
            empty_dirs: false,
            raw: true,
            flatten: false,
            preserve: false,
            verify: false,
            encode_names: false,
            resume: ResumeArgs::never(),
            range: None,
            version_id: None,
            attributes,
        }
    }
}
