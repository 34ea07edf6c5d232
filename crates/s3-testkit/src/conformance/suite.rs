//! The list of all conformance cases, the macro that makes tests of them, and the runner of a case.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use s3_core::{ErrorKind, ListUploads, Store};

use super::{Harness, Verdict};

/// Runs a case and then checks that no multipart upload is left.
///
/// Skipped cases and known failures are reported on standard error, which `cargo test -- --nocapture` shows.
///
/// # Panics
///
/// If the case fails, if an upload is left, or if a known failure passes.
#[expect(clippy::print_stderr, reason = "skipped cases are reported")]
pub async fn run(
    name: &str,
    harness: impl Future<Output = Harness>,
    case: impl AsyncFnOnce(&Harness) -> Verdict,
) {
    let harness = harness.await;
    if let Some(reason) = harness.known_failure(name) {
        let outcome = AssertUnwindSafe(case(&harness)).catch_unwind().await;
        assert!(
            outcome.is_err(),
            "{name} passes: remove it from the known failures ({reason})"
        );
        eprintln!("{name} fails as expected: {reason}");
        return;
    }
    if let Verdict::Skipped(capability) = case(&harness).await {
        eprintln!("{name} is skipped: the backend lacks {capability}");
    }
    after_each(&harness).await;
}

/// Asserts that no multipart upload is left, if the backend can list uploads.
async fn after_each(harness: &Harness) {
    if s3_core::Store::capabilities(&harness.store).list_uploads {
        let left = harness.unfinished().await;
        assert!(left.is_empty(), "the case left multipart uploads: {left:?}");
    }
}

/// Does the same for a server with undeclared capabilities. If the server cannot list uploads, other cases report that.
async fn after_each_where_uploads_are_listed(harness: &Harness) {
    let page = ListUploads::new(harness.prefix(""));
    match harness.store.list_uploads(page).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        _ => after_each(harness).await,
    }
}

/// A conformance case, for programs that run the suite outside of `cargo test`.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its group and name: `get::one_byte_comes_back`.
    pub name: &'static str,
    case: for<'a> fn(&'a Harness) -> LocalBoxFuture<'a, Verdict>,
}

impl Case {
    /// Runs the case and then checks that no multipart upload is left.
    ///
    /// # Errors
    ///
    /// The message of the panic with which the case failed.
    #[expect(clippy::future_not_send, reason = "the cases of a run share a thread")]
    pub async fn run(&self, harness: &Harness) -> Result<Verdict, String> {
        let work = async {
            let verdict = (self.case)(harness).await;
            after_each_where_uploads_are_listed(harness).await;
            verdict
        };
        let outcome = AssertUnwindSafe(work).catch_unwind().await;
        outcome.map_err(|panic| match panic.downcast::<String>() {
            Ok(message) => *message,
            Err(panic) => match panic.downcast::<&str>() {
                Ok(message) => (*message).to_owned(),
                Err(_) => "it panicked without a message".to_owned(),
            },
        })
    }
}

/// Returns all cases, in the order of the list.
#[must_use]
pub fn cases() -> Vec<Case> {
    crate::__conformance_cases!(cases)
}

/// Writes a module with one `#[tokio::test]` per case of the [suite](crate::conformance).
///
/// The expression is a future that returns a [`Harness`](crate::conformance::Harness). It is evaluated once for
/// each case, in the scope of the module that calls the macro.
///
/// # Examples
///
/// ```
/// # use s3_core::MemoryStore;
/// # use s3_testkit::conformance::Harness;
/// s3_testkit::conformance_suite!(memory, async {
///     Harness::new(MemoryStore::with_buckets(["bucket"]), "bucket")
/// });
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! conformance_suite {
    ($module:ident, $harness:expr $(,)?) => {
        mod $module {
            #[allow(
                unused_imports,
                reason = "the expression may need nothing of its surroundings"
            )]
            use super::*;

            async fn harness() -> $crate::conformance::Harness {
                $harness.await
            }

            $crate::__conformance_cases! { tests }
        }
    };
}

/// Lists the cases by group, in the given form; part of [`conformance_suite!`] and [`cases`].
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ($form:ident) => {
        $crate::__conformance_forms! {
            $form
            get {
                an_empty_object_reads_as_nothing,
                one_byte_comes_back,
                a_large_object_comes_back_in_order,
                a_bounded_range_gives_those_bytes,
                the_first_byte_can_be_read_alone,
                the_last_byte_can_be_read_alone,
                the_whole_object_is_a_range_too,
                a_range_from_an_offset_goes_to_the_end,
                the_last_bytes_are_counted_from_the_end,
                more_last_bytes_than_there_are_is_all_of_them,
                a_range_is_clipped_at_the_end,
                a_range_behind_the_end_is_rejected,
                every_range_of_an_empty_object_is_rejected,
                a_range_of_no_bytes_is_rejected,
                ranges_fit_together,
                get_head_and_listing_agree,
                an_object_is_dated,
                a_body_may_be_dropped_unread,
                many_reads_at_once_do_not_mix,
            }
            missing {
                getting_a_missing_object_is_not_found,
                head_of_a_missing_object_is_not_found,
                a_directory_of_an_object_is_no_object,
                getting_from_a_missing_bucket,
                head_in_a_missing_bucket_is_not_found,
                putting_into_a_missing_bucket,
                listing_a_missing_bucket,
                deleting_from_a_missing_bucket,
                copying_from_and_to_a_missing_bucket,
                uploading_to_a_missing_bucket,
                listing_uploads_of_a_missing_bucket,
                deleting_a_missing_bucket,
                an_error_names_operation_and_place,
            }
            attributes {
                a_content_type_comes_back,
                an_object_without_content_type_is_binary,
                user_metadata_comes_back,
                names_of_user_metadata_are_in_lower_case,
                an_object_without_user_metadata_has_none,
                other_headers_come_back,
                a_storage_class_comes_back,
                encryption_comes_back,
                a_key_of_kms_comes_back,
                a_write_replaces_all_attributes,
            }
            put {
                a_write_replaces_what_is_there,
                a_write_is_visible_at_once,
                a_payload_of_several_buffers_is_their_join,
                a_payload_from_a_file_can_be_sent_twice,
                the_same_bytes_have_the_same_tag,
                put_if_absent_writes_a_new_object,
                put_if_absent_leaves_an_object_alone,
                put_if_absent_has_one_winner,
                put_if_match_replaces_the_version_it_knows,
                put_if_match_leaves_another_version_alone,
                put_if_match_needs_an_object,
            }
            checksums {
                a_write_has_the_checksum_that_it_names,
                an_upload_may_have_a_composite_checksum,
                the_crc_of_an_upload_is_that_of_the_object,
                a_copy_may_name_its_checksum,
            }
            object_attributes {
                attributes_agree_with_head,
                parts_are_listed,
                parts_are_listed_in_pages,
                a_missing_object_has_no_attributes,
            }
            restore {
                an_archived_object_is_not_read,
                a_restored_object_is_read,
                an_archived_object_is_not_copied,
                only_an_archived_object_is_restored,
                an_archived_object_can_be_replaced,
            }
            conditional {
                if_match_reads_the_version_it_names,
                if_match_rejects_another_version,
                if_match_pins_a_range,
                if_match_on_a_missing_object_is_not_found,
                if_none_match_spares_the_same_version,
                if_none_match_reads_another_version,
                if_modified_since_reads_what_is_newer,
                if_modified_since_spares_what_is_older,
                if_unmodified_since_reads_what_is_older,
                if_unmodified_since_rejects_what_is_newer,
                a_tag_beats_a_time,
                a_copy_takes_conditions_on_its_source,
                a_delete_may_insist_on_its_object,
                a_batch_deletes_what_meets_its_condition,
                a_delete_under_a_condition_needs_an_object,
            }
            list {
                an_empty_listing_is_one_empty_page,
                every_object_is_listed_once,
                keys_come_in_byte_order,
                pages_of_one_key,
                pages_of_two_keys,
                a_full_last_page_has_no_next,
                more_than_a_thousand_keys_take_two_pages,
                a_page_of_no_entries_is_empty,
                a_prefix_is_a_string,
                a_prefix_may_be_a_whole_key,
                a_prefix_without_keys_lists_nothing,
                a_prefix_is_no_pattern,
                start_after_is_exclusive,
                start_after_need_not_exist,
                start_after_keeps_to_the_prefix,
                the_next_page_does_not_need_the_last_key,
                a_foreign_token_is_rejected,
            }
            rollup {
                a_delimiter_rolls_up_the_root,
                a_delimiter_rolls_up_a_directory,
                a_plain_tree_is_rolled_up,
                a_prefix_without_slash_rolls_up_to_the_slash,
                a_prefix_is_shown_once_across_pages,
                prefixes_count_towards_the_page,
                a_rolled_up_directory_costs_one_entry,
                the_delimiter_need_not_be_a_slash,
                a_directory_marker_is_an_object,
                empty_names_are_rolled_up_too,
                odd_names_are_rolled_up_as_they_are,
            }
            keys {
                plain,
                slash,
                double_slash,
                leading_slash,
                trailing_slash,
                only_a_slash,
                dot,
                dot_dot,
                only_dots,
                question_mark,
                hash,
                percent,
                lone_percent,
                space,
                outer_spaces,
                only_a_space,
                only_a_no_break_space,
                only_a_line_feed,
                plus,
                punctuation,
                accent,
                decomposed_accent,
                other_scripts,
                control_character,
                delete_character,
                line_feed,
                carriage_return,
                tab,
                double_quote,
                single_quote,
                markup,
                backslash,
                noncharacter,
                the_longest_key,
                the_longest_key_in_four_bytes_each,
                keys_that_look_alike_stay_apart,
            }
            multipart {
                two_parts_become_an_object,
                one_small_part_is_enough,
                parts_may_come_in_any_order,
                parts_may_be_left_out,
                a_part_can_be_replaced,
                a_range_may_cross_parts,
                an_upload_is_invisible_until_completed,
                completing_replaces_what_is_there,
                an_upload_keeps_its_attributes,
                a_wrong_tag_is_rejected,
                an_unknown_part_is_rejected,
                a_wrong_order_is_rejected,
                a_small_part_that_is_not_the_last_is_rejected,
                an_upload_without_parts_is_rejected,
                a_rejected_upload_can_still_be_completed,
                a_part_number_out_of_bounds_is_rejected,
                an_aborted_upload_is_gone,
                a_completed_upload_takes_no_more_parts,
                an_upload_belongs_to_its_key,
                completing_if_absent_makes_a_new_object,
                completing_if_absent_leaves_an_object_alone,
                completing_if_match_replaces_the_version_it_knows,
            }
            parts {
                a_part_can_be_a_copy,
                parts_can_be_ranges_of_an_object,
                a_copied_range_must_be_inside_its_source,
                a_copied_part_needs_its_source,
                a_copied_part_may_insist_on_its_source,
                an_unknown_upload_has_no_parts,
                parts_are_listed_by_number,
                parts_are_listed_in_pages,
                unfinished_uploads_are_listed,
                one_key_may_have_two_uploads,
                unfinished_uploads_are_listed_in_pages,
            }
            copy_delete {
                a_copy_has_the_bytes,
                a_copy_keeps_the_attributes,
                a_copy_may_be_encrypted_and_keeps_the_attributes,
                a_copy_may_replace_the_attributes,
                a_copy_replaces_what_is_there,
                an_empty_object_can_be_copied,
                a_copy_onto_itself_is_rejected,
                a_copy_onto_itself_changes_attributes,
                a_copy_needs_its_source,
                a_copy_may_insist_on_its_source,
                a_copy_may_insist_on_a_free_place,
                a_copy_may_cross_buckets,
                a_deleted_object_is_gone,
                deleting_what_is_not_there_succeeds,
                a_key_may_be_deleted_twice_at_once,
                a_delete_is_not_recursive,
                a_thousand_keys_go_at_once,
                odd_keys_are_deleted_in_one_batch,
            }
            versions {
                a_bucket_keeps_versions_when_told_to,
                a_version_is_read_by_its_id,
                a_missing_version_is_not_found,
                a_delete_marker_hides_the_object,
                a_delete_marker_cannot_be_read,
                a_deleted_version_uncovers_the_one_before,
                a_suspended_bucket_replaces_the_version_null,
                versions_are_listed_in_pages,
                an_old_version_can_be_copied,
                an_upload_creates_a_version,
                a_write_if_absent_goes_over_a_delete_marker,
                a_bucket_with_old_versions_stays,
            }
            tags {
                an_object_has_no_tags_at_first,
                a_write_brings_its_tags,
                tags_are_replaced_as_a_whole,
                too_many_tags_are_rejected,
                a_missing_object_has_no_tags,
                a_copy_keeps_or_replaces_tags,
                an_upload_brings_its_tags,
            }
            buckets {
                a_bucket_is_listed,
                a_bucket_comes_and_goes,
                buckets_are_listed_by_name,
                a_bucket_is_made_once,
                a_full_bucket_stays,
                buckets_do_not_mix,
                a_presigned_url_carries_a_signature,
            }
        }
    };
}

/// Writes the groups as tests or as a list; part of [`conformance_suite!`] and [`cases`].
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_forms {
    (cases $($family:ident { $($case:ident,)* })*) => {
        vec![$($(Case {
            name: concat!(stringify!($family), "::", stringify!($case)),
            case: |harness| $crate::conformance::$family::$case(harness).boxed_local(),
        },)*)*]
    };
    (tests $($family:ident { $($case:ident,)* })*) => {
        $(
            mod $family {
                $(
                    #[::tokio::test]
                    async fn $case() {
                        let name = concat!(stringify!($family), "::", stringify!($case));
                        let case = $crate::conformance::$family::$case;
                        $crate::conformance::run(name, super::harness(), case).await;
                    }
                )*
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    /// The groups and the source text of their files.
    const FAMILIES: &[(&str, &str)] = &[
        ("get", include_str!("get.rs")),
        ("missing", include_str!("missing.rs")),
        ("attributes", include_str!("attributes.rs")),
        ("put", include_str!("put.rs")),
        ("conditional", include_str!("conditional.rs")),
        ("list", include_str!("list.rs")),
        ("rollup", include_str!("rollup.rs")),
        ("keys", include_str!("keys.rs")),
        ("multipart", include_str!("multipart.rs")),
        ("parts", include_str!("parts.rs")),
        ("copy_delete", include_str!("copy_delete.rs")),
        ("versions", include_str!("versions.rs")),
        ("tags", include_str!("tags.rs")),
        ("buckets", include_str!("buckets.rs")),
    ];

    /// Returns the names of the cases that a file defines, as functions or as rows of a table.
    fn defined(text: &str) -> impl Iterator<Item = &str> {
        text.lines().filter_map(|line| {
            let function = line.strip_prefix("pub async fn ");
            let row = line
                .strip_prefix("    ")
                .filter(|row| row.contains(") => "));
            let (name, _) = function.or(row)?.split_once('(')?;
            // Only rows of a table, not match arms or the pattern of the macro.
            name.starts_with(char::is_alphabetic).then_some(name)
        })
    }

    /// Returns the names of the cases that the macro lists for a group.
    fn listed(family: &str) -> Vec<&'static str> {
        let start = format!("            {family} {{");
        let lines = include_str!("suite.rs")
            .lines()
            .skip_while(|line| *line != start)
            .skip(1);
        lines
            .map_while(|line| line.trim().strip_suffix(','))
            .collect()
    }

    #[test]
    fn every_case_is_in_the_list() {
        for &(family, text) in FAMILIES {
            assert_eq!(
                listed(family),
                defined(text).collect::<Vec<_>>(),
                "the cases of {family}"
            );
        }
    }
}
