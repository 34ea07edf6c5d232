//! How many requests each call costs, counted by the server.

use std::collections::BTreeMap;

use s3_client::{Key, S3};
use s3_core::StoreExt;
use s3_testkit::{FaultPlan, ramp};
use s3_tests::Case;
use s3_url::S3Url;

const PART: usize = 8 << 20;

async fn seed(case: &Case, key: &str, len: usize) {
    let url = S3Url::from_parts("bkt", key).unwrap();
    case.memory.put_bytes(url, ramp(0, len)).await.unwrap();
}

/// Runs `call` and returns how many requests of each kind it sent.
async fn requests(case: &Case, call: impl AsyncFnOnce(S3)) -> BTreeMap<String, usize> {
    let s3 = case.s3();
    case.server.request_log().clear();
    call(s3).await;
    case.server.request_log().operations()
}

fn expect(counts: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counts
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

#[tokio::test]
async fn get_costs_one_request_per_part() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        for (len, gets) in [(1, 1), (PART, 1), (PART + 1, 2), (2 * PART + 5, 3)] {
            seed(case, "root/k", len).await;
            let sent = requests(case, async |s3| {
                assert_eq!(s3.get("k").await.unwrap().size(), len as u64);
            });
            assert_eq!(sent.await, expect(&[("GetObject", gets)]), "{len} bytes");
        }
    })
    .await;
}

#[tokio::test]
async fn get_of_an_empty_object_costs_two_requests_and_of_a_missing_one_one() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        seed(case, "root/empty", 0).await;
        let sent = requests(case, async |s3| {
            assert_eq!(s3.get("empty").await.unwrap().size(), 0);
        });
        assert_eq!(sent.await, expect(&[("GetObject", 2)]));
        let sent = requests(case, async |s3| {
            assert!(!s3.get("nope").return_missing().await.unwrap().exists());
        });
        assert_eq!(sent.await, expect(&[("GetObject", 1)]));
    })
    .await;
}

#[tokio::test]
async fn get_many_asks_once_for_inputs_that_are_the_same() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        seed(case, "root/a", 10).await;
        seed(case, "root/b", 10).await;
        let sent = requests(case, async |s3| {
            assert_eq!(s3.get_many(["a", "b", "/a", "a"]).await.unwrap().len(), 4);
        });
        assert_eq!(sent.await, expect(&[("GetObject", 2)]));
    })
    .await;
}

#[tokio::test]
async fn get_recursive_costs_its_pages_and_its_parts() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        for n in 0..1005 {
            seed(case, &format!("root/p/{n:04}"), 3).await;
        }
        seed(case, "root/q/empty", 0).await;
        seed(case, "root/q/large", PART + 1).await;
        let sent = requests(case, async |s3| {
            assert_eq!(s3.get_recursive(["p/", "q/"]).await.unwrap().len(), 1007);
        });
        assert_eq!(
            sent.await,
            expect(&[("ListObjectsV2", 3), ("GetObject", 1005 + 1 + 2)])
        );
    })
    .await;
}

#[tokio::test]
async fn info_costs_one_head() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        seed(case, "root/a", 10).await;
        let sent = requests(case, async |s3| {
            assert_eq!(s3.info("a").await.unwrap().size(), 10);
            assert_eq!(
                s3.info_many(["a", "nope"])
                    .return_missing()
                    .await
                    .unwrap()
                    .len(),
                2
            );
        });
        assert_eq!(sent.await, expect(&[("HeadObject", 3)]));
    })
    .await;
}

#[tokio::test]
async fn put_costs_one_request_or_two_and_its_parts() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let small = requests(case, async |s3| {
            s3.put("k", ramp(0, 2 * PART)).await.unwrap();
        });
        assert_eq!(small.await, expect(&[("PutObject", 1)]));
        let large = requests(case, async |s3| {
            s3.put("k", ramp(0, 2 * PART + 1)).await.unwrap();
        });
        let parts = [
            ("CreateMultipartUpload", 1),
            ("UploadPart", 3),
            ("CompleteMultipartUpload", 1),
        ];
        assert_eq!(large.await, expect(&parts));
    })
    .await;
}

#[tokio::test]
async fn put_without_overwriting_costs_one_conditional_request_or_a_head_first() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        for _ in 0..2 {
            let small = requests(case, async |s3| {
                s3.put("small", "x").overwrite(false).await.unwrap();
            });
            assert_eq!(small.await, expect(&[("PutObject", 1)]));
        }
        let value = || ramp(0, 2 * PART + 1);
        let parts = [
            ("HeadObject", 1),
            ("CreateMultipartUpload", 1),
            ("UploadPart", 3),
            ("CompleteMultipartUpload", 1),
        ];
        for counts in [&parts[..], &parts[..1]] {
            let sent = requests(case, async |s3| {
                s3.put("large", value()).overwrite(false).await.unwrap();
            });
            assert_eq!(sent.await, expect(counts));
        }
    })
    .await;
}

#[tokio::test]
async fn delete_many_costs_one_request_per_thousand_keys() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let sent = requests(case, async |s3| {
            let keys: Vec<String> = (0..2002).map(|n| format!("k{n}")).collect();
            s3.delete_many(keys).await.unwrap();
        });
        assert_eq!(sent.await, expect(&[("DeleteObjects", 3)]));
    })
    .await;
}

#[tokio::test]
async fn listings_cost_one_request_per_page_and_prefix() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        for n in 0..1005 {
            seed(case, &format!("root/p/{n:04}"), 0).await;
        }
        let sent = requests(case, async |s3| {
            assert_eq!(s3.list_recursive().await.unwrap().len(), 1005);
            assert_eq!(
                s3.list_paths()
                    .at([Key::root(), "nothing".into()])
                    .await
                    .unwrap()
                    .len(),
                1
            );
        });
        // Beside the second page of the tree is the look for its directories.
        assert_eq!(sent.await, expect(&[("ListObjectsV2", 2 + 1 + 2)]));
    })
    .await;
}

#[tokio::test]
async fn an_empty_batch_sends_nothing() {
    Case::run(FaultPlan::none(), async |case: &Case| {
        let sent = requests(case, async |s3| {
            let none: [&str; 0] = [];
            assert!(s3.get_many(none).await.unwrap().is_empty());
            assert!(s3.info_many(none).await.unwrap().is_empty());
            assert!(s3.get_recursive(none).await.unwrap().is_empty());
            assert!(s3.list_paths().at(none).await.unwrap().is_empty());
            s3.delete_many(none).await.unwrap();
        });
        assert_eq!(sent.await, expect(&[]));
    })
    .await;
}
