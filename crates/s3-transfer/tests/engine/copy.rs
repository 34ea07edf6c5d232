//! Copies: lost responses and failed conditions.

use std::time::Duration;

use s3_core::{
    Attributes, ChecksumAlgorithm, Conditions, CopyRequest, ETag, Encryption, Error, ErrorKind,
    HeadRequest, MemoryStore, Operation, PutMode, PutRequest, SetVersioning, Store, StoreExt,
    Versioning,
};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore, ramp};
use s3_transfer::Transfer;
use tokio::time::Instant;

use crate::hooked::Hooked;
use crate::setup::{Setup, config, memory, setup, url};

fn once(action: FaultAction) -> FaultPlan {
    FaultMatch::operation("CopyObject")
        .on(action)
        .times(1)
        .into()
}

/// Copies to `to` if there is nothing, while another client writes that object after the HEAD that looks for it and before the
/// last request takes effect.
async fn copy_during_a_write(
    action: Option<FaultAction>,
    source: Option<&str>,
    first: u64,
) -> (Setup, Error) {
    let stall = FaultAction::stall(Duration::from_secs(5));
    let stall = FaultMatch::operation("CopyObject").on(stall).times(1);
    let setup = setup(action.map_or(FaultPlan::none(), once).with(stall));
    let mut request = CopyRequest::new(setup.seed("from", 10).await, url("to"));
    request.mode = PutMode::IfAbsent;
    if let Some(named) = source {
        let named = setup.memory.put_bytes(url("other"), named.to_owned()).await;
        request.source_conditions.if_match = named.expect("memory takes it").etag;
    }
    let options = Default::default();
    let (outcome, ()) = tokio::join!(setup.transfer.copy(request, &options), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let put = setup.memory.put_bytes(url("to"), ramp(first, 10)).await;
        put.expect("memory takes it");
    });
    let error = outcome.expect_err("another client has written it");
    (setup, error)
}

#[tokio::test(start_paused = true)]
async fn a_conditional_copy_whose_response_is_lost_has_succeeded() {
    for replaces in [false, true] {
        let setup = setup(once(FaultAction::LoseReply));
        let from = setup.seed("from", 10).await;
        let mut request = CopyRequest::new(from, url("to"));
        request.mode = PutMode::IfAbsent;
        if replaces {
            let old = setup.memory.put_bytes(url("to"), "old").await.unwrap();
            request.mode = PutMode::IfMatch(old.etag.unwrap());
        }
        let outcome = setup.transfer.copy(request, &Default::default()).await;
        let meta = s3_core::Store::head(&setup.memory, s3_core::HeadRequest::new(url("to")))
            .await
            .unwrap();
        assert_eq!(outcome.unwrap().etag, meta.etag);
        assert_eq!(setup.faults.delivered().total(), 1);
        assert_eq!(
            setup.memory.get_bytes(url("to")).await.unwrap(),
            ramp(0, 10)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_conditional_copy_that_another_write_rejects_is_rejected() {
    for (action, heads) in [(Some(FaultAction::Drop), 3), (None, 1)] {
        let (setup, error) = copy_during_a_write(action, None, 7).await;
        assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
        assert_eq!(setup.memory.operations().get(Operation::Head), heads);
        assert_eq!(
            setup.memory.get_bytes(url("to")).await.unwrap(),
            ramp(7, 10)
        );
    }
}

/// Without permission to list, a missing object is a 403.
#[tokio::test(start_paused = true)]
async fn a_conditional_copy_needs_no_right_to_look_at_its_target() {
    let denied = FaultAction::status(403, "AccessDenied");
    let setup = setup(FaultMatch::operation("HeadObject").on(denied));
    let from = setup.seed("from", 10).await;
    let request = CopyRequest::new(from, url("to")).with_mode(PutMode::IfAbsent);
    let options = Default::default();
    let copy = || setup.transfer.copy(request.clone(), &options);
    copy().await.unwrap();
    let again = copy().await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::PreconditionFailed);
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_another_version_than_the_one_named_is_rejected() {
    let (_, error) = copy_during_a_write(Some(FaultAction::Drop), Some("other"), 0).await;
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
}

#[tokio::test(start_paused = true)]
async fn the_copy_of_an_old_version_whose_response_is_lost_has_succeeded_with_version_and_checksum()
{
    let setup = setup(once(FaultAction::LoseReply));
    let versioning = SetVersioning::new("b", Versioning::Enabled);
    setup.memory.set_versioning(versioning).await.unwrap();
    let attributes = Attributes::default().with_checksum_algorithm(ChecksumAlgorithm::Crc32);
    let put = PutRequest::new(url("from"), ramp(0, 10).into()).with_attributes(attributes);
    let old = setup.memory.put(put).await.unwrap();
    setup.memory.put_bytes(url("from"), "newer").await.unwrap();
    let mut request = CopyRequest::new(url("from"), url("to"));
    request.source_version = old.version;
    request.mode = PutMode::IfAbsent;
    let copied = setup.transfer.copy(request, &Default::default()).await;
    let copied = copied.unwrap();
    let head = HeadRequest::new(url("to")).with_checksum();
    let meta = setup.memory.head(head).await.unwrap();
    assert!(meta.version.is_some() && meta.checksum.is_some());
    assert_eq!(
        (copied.version, copied.checksum),
        (meta.version, meta.checksum)
    );
}

#[tokio::test(start_paused = true)]
async fn an_equal_object_is_no_copy_that_an_attempt_has_made_which_could_not_write() {
    let conflict = FaultAction::status(409, "ConditionalRequestConflict");
    let (setup, error) = copy_during_a_write(Some(conflict), None, 0).await;
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(setup.faults.delivered().total(), 2);
    assert_eq!(setup.memory.operations().get(Operation::Head), 1);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_overwrites_is_rejected_by_its_source_alone() {
    let setup = setup(once(FaultAction::Drop));
    let from = setup.seed("from", 10).await;
    setup.seed("to", 10).await;
    let head = HeadRequest::new(from.clone());
    let etag = setup.memory.head(head).await.unwrap().etag.unwrap();
    let mut request = CopyRequest::new(from, url("to"));
    request.source_conditions = Conditions::default().with_if_none_match(etag);
    let outcome = setup.transfer.copy(request, &Default::default()).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::PreconditionFailed);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_copy_onto_itself_is_rejected() {
    let setup = setup(once(FaultAction::Drop));
    let old = setup.memory.put_bytes(url("k"), "old").await.unwrap();
    setup.memory.put_bytes(url("k"), "new").await.unwrap();
    let mut request = CopyRequest::new(url("k"), url("k"));
    request.attributes = Some(Default::default());
    request.mode = PutMode::IfMatch(old.etag.unwrap());
    let outcome = setup.transfer.copy(request, &Default::default()).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::PreconditionFailed);
}

/// An engine over a store where each byte passes for 512 MiB, and an object of 11 bytes in it.
async fn huge(plan: FaultPlan, conditions: bool) -> (Transfer, MemoryStore) {
    let memory = memory();
    memory.put_bytes(url("from"), ramp(0, 11)).await.unwrap();
    let mut store = Hooked::new(memory.clone(), |_, response| response);
    store.scale = 512 << 20;
    store.capabilities.complete_conditions = conditions;
    (
        Transfer::new(FaultStore::new(store, plan), config()),
        memory,
    )
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_for_one_request_is_copied_in_parts() {
    let (transfer, memory) = huge(FaultPlan::none(), true).await;
    let mut request = CopyRequest::new(url("from"), url("to"));
    request.mode = PutMode::IfAbsent;
    request.encryption = Some(Encryption::new("AES256"));
    let copied = transfer.copy(request.clone(), &Default::default()).await;
    assert!(copied.unwrap().etag.is_some());
    assert_eq!(memory.get_bytes(url("to")).await.unwrap(), ramp(0, 11));
    assert_eq!(memory.operations().get(Operation::UploadPartCopy), 11);
    let copy = memory.head(HeadRequest::new(url("to"))).await.unwrap();
    assert_eq!(copy.attributes.encryption, request.encryption);

    let rejected = transfer.copy(request, &Default::default()).await;
    assert_eq!(rejected.unwrap_err().kind(), ErrorKind::PreconditionFailed);
    assert_eq!(memory.unfinished_uploads(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_copy_in_parts_has_the_checksum_algorithm_of_its_source() {
    for chosen in [None, Some(ChecksumAlgorithm::Sha1)] {
        let (transfer, memory) = huge(FaultPlan::none(), true).await;
        let algorithm = ChecksumAlgorithm::Crc32c;
        let attributes = Attributes::default().with_checksum_algorithm(algorithm);
        let put = PutRequest::new(url("from"), ramp(0, 11).into());
        memory.put(put.with_attributes(attributes)).await.unwrap();
        let mut request = CopyRequest::new(url("from"), url("to"));
        request.checksum_algorithm = chosen;
        let copied = transfer.copy(request, &Default::default()).await;
        let found = copied.unwrap().checksum.map(|checksum| checksum.algorithm);
        assert_eq!(found, chosen.or(Some(algorithm)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_in_parts_is_of_one_version_where_there_is_no_etag() {
    let memory = memory();
    let versioning = SetVersioning::new("b", Versioning::Enabled);
    memory.set_versioning(versioning).await.unwrap();
    memory.put_bytes(url("from"), ramp(0, 11)).await.unwrap();
    let mut store = Hooked::new(memory.clone(), |_, response| response);
    (store.scale, store.hides_etags) = (512 << 20, true);
    let stall = FaultAction::stall(Duration::from_secs(5));
    let begin = FaultMatch::operation("CreateMultipartUpload").on(stall);
    let transfer = Transfer::new(FaultStore::new(store, begin.into()), config());
    let request = CopyRequest::new(url("from"), url("to"));
    let options = Default::default();
    let (copied, ()) = tokio::join!(transfer.copy(request, &options), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        memory.put_bytes(url("from"), ramp(7, 11)).await.unwrap();
    });
    copied.unwrap();
    assert_eq!(memory.get_bytes(url("to")).await.unwrap(), ramp(0, 11));
}

#[tokio::test(start_paused = true)]
async fn a_large_copy_with_a_condition_that_nobody_checks_is_not_begun() {
    let (transfer, memory) = huge(FaultPlan::none(), false).await;
    for (mode, kind) in [
        (PutMode::IfAbsent, Some(ErrorKind::Unsupported)),
        (PutMode::Overwrite, None),
    ] {
        let mut request = CopyRequest::new(url("from"), url("to"));
        request.mode = mode;
        let outcome = transfer.copy(request, &Default::default()).await;
        assert_eq!(outcome.err().map(|error| error.kind()), kind);
    }
    assert_eq!(memory.operations().get(Operation::CreateUpload), 1);
}

#[tokio::test]
async fn a_copy_whose_condition_the_server_would_ignore_replaces_nothing() {
    for is_known in [true, false] {
        let memory = memory();
        memory.put_bytes(url("from"), "new").await.unwrap();
        memory.put_bytes(url("to"), "old").await.unwrap();
        let mut store = Hooked::new(memory.clone(), |_, response| response);
        store.ignores_conditions_of_copies = true;
        if is_known {
            store.capabilities.put_if_absent = false;
            store.capabilities.put_if_match = false;
        }
        let transfer = Transfer::new(store, config());
        let copy = async |to: &str, mode| {
            let request = CopyRequest::new(url("from"), url(to)).with_mode(mode);
            transfer.copy(request, &Default::default()).await
        };
        let absent = copy("to", PutMode::IfAbsent).await.unwrap_err();
        assert_eq!(absent.kind(), ErrorKind::PreconditionFailed);
        let matching = copy("to", PutMode::IfMatch(ETag::new("other"))).await;
        let kind = match is_known {
            true => ErrorKind::Unsupported,
            false => ErrorKind::PreconditionFailed,
        };
        assert_eq!(matching.unwrap_err().kind(), kind);
        assert_eq!(memory.get_bytes(url("to")).await.unwrap(), "old");
        assert_eq!(memory.operations().get(Operation::Copy), 0);
        copy("other", PutMode::IfAbsent).await.unwrap();
        assert_eq!(memory.get_bytes(url("other")).await.unwrap(), "new");
        let missing = CopyRequest::new(url("nothing"), url("to")).with_mode(PutMode::IfAbsent);
        let missing = transfer.copy(missing, &Default::default()).await;
        assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_cannot_be_copied_leaves_no_upload() {
    let denied = FaultMatch::operation("UploadPartCopy")
        .with_query("partNumber=7")
        .on(FaultAction::status(403, "AccessDenied"));
    let (transfer, memory) = huge(denied.into(), true).await;
    let request = CopyRequest::new(url("from"), url("to"));
    let outcome = transfer.copy(request, &Default::default()).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::AccessDenied);
    assert_eq!(memory.unfinished_uploads(), 0);
    assert!(memory.get_bytes(url("to")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_replaced_during_its_copy_is_not_a_target_that_exists() {
    for mode in [PutMode::IfAbsent, PutMode::Overwrite] {
        for named in [false, true] {
            let stall = FaultAction::stall(Duration::from_secs(5));
            let begin = FaultMatch::operation("CreateMultipartUpload").on(stall);
            let (transfer, memory) = huge(begin.into(), true).await;
            let mut request = CopyRequest::new(url("from"), url("to")).with_mode(mode.clone());
            if named {
                let source = memory.head(HeadRequest::new(url("from"))).await.unwrap();
                request.source_conditions.if_match = source.etag;
            }
            let options = Default::default();
            let (copied, ()) = tokio::join!(transfer.copy(request, &options), async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                memory.put_bytes(url("from"), ramp(7, 11)).await.unwrap();
            });
            let kind = match named {
                true => ErrorKind::PreconditionFailed,
                false => ErrorKind::ChangedDuringRead,
            };
            let error = copied.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(memory.get_bytes(url("to")).await.is_err());
            assert_eq!(memory.unfinished_uploads(), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_may_take_as_long_as_five_gibibytes_do_and_no_longer() {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let stall = |operation, wait| {
        FaultMatch::operation(operation)
            .on(FaultAction::Stall { at: None, wait })
            .times(1)
    };
    for (operation, size, fine) in [
        ("CopyObject", 10, minutes(10)),
        ("UploadPartCopy", 11, minutes(1)),
    ] {
        for (wait, longest) in [(Some(fine), fine), (None, fine + minutes(2))] {
            let plan = FaultPlan::new([stall(operation, wait)]);
            let (transfer, memory) = huge(plan, true).await;
            memory.put_bytes(url("from"), ramp(0, size)).await.unwrap();
            let start = Instant::now();
            let request = CopyRequest::new(url("from"), url("to"));
            transfer.copy(request, &Default::default()).await.unwrap();
            let took = start.elapsed();
            assert!(
                (fine..=longest + Duration::from_secs(1)).contains(&took),
                "{operation}: {took:?}"
            );
        }
    }
}
