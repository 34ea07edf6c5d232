//! Tests of limits on durations: object lock retention and restore periods that are too long are rejected.

use crate::harness::Server;

async fn with_lock() -> Server {
    let server = Server::open().await;
    let lock = ["x-amz-bucket-object-lock-enabled: true"];
    server.ok("PUT /locked", &lock, "").await;
    server
}

fn default_of(period: &str) -> String {
    format!(
        "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
         <Mode>GOVERNANCE</Mode>{period}</DefaultRetention></Rule></ObjectLockConfiguration>"
    )
}

#[tokio::test]
async fn a_default_retention_is_at_most_100_years() {
    let server = with_lock().await;
    for period in [
        "<Days>36501</Days>",
        "<Days>2147483647</Days>",
        "<Years>101</Years>",
        "<Years>2147483647</Years>",
    ] {
        let default = default_of(period);
        let rejected = server.send("PUT /locked?object-lock", &[], &default).await;
        assert_eq!(rejected.status, 400, "{period}: {rejected:?}");
        assert_eq!(rejected.code(), Some("InvalidArgument"), "{period}");
        let text = "<Message>Default retention period is too large</Message>";
        assert!(rejected.body.contains(text), "{}", rejected.body);
    }
    for (period, end) in [("<Days>36500</Days>", "21"), ("<Years>100</Years>", "21")] {
        let line = "PUT /locked?object-lock";
        server.ok(line, &[], &default_of(period)).await;
        server.ok("PUT /locked/k", &[], "1").await;
        let read = server.ok("GET /locked/k", &[], "").await;
        let until = read.header("x-amz-object-lock-retain-until-date");
        assert!(
            until.is_some_and(|until| until.starts_with(end)),
            "{read:?}"
        );
    }
}

#[tokio::test]
async fn a_retention_ends_before_the_year_10000() {
    let server = with_lock().await;
    // One minute before midnight, 23 hours west of Greenwich.
    let late = "9999-12-31T23:59:00-23:00";
    let headers = |date: &str| {
        [
            "x-amz-object-lock-mode: GOVERNANCE".to_owned(),
            format!("x-amz-object-lock-retain-until-date: {date}"),
        ]
    };
    let put = async |date: &str| {
        let headers = headers(date);
        let headers = headers.each_ref().map(String::as_str);
        server.send("PUT /locked/k", &headers, "1").await
    };
    let rejected = put(late).await;
    assert_eq!(rejected.status, 400, "{rejected:?}");
    assert_eq!(rejected.code(), Some("InvalidArgument"));
    assert_eq!(put("9999-12-31T23:59:59Z").await.status, 200);

    let retention = |date: &str| {
        format!(
            "<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>{date}</RetainUntilDate></Retention>"
        )
    };
    let retention = retention(late);
    let rejected = server
        .send("PUT /locked/k?retention", &[], &retention)
        .await;
    assert_eq!(rejected.status, 400, "{rejected:?}");
    assert_eq!(rejected.code(), Some("InvalidArgument"));
    let read = server.ok("GET /locked/k", &[], "").await;
    let until = read.header("x-amz-object-lock-retain-until-date");
    assert_eq!(until, Some("9999-12-31T23:59:59.000Z"));
}

#[tokio::test]
async fn a_restoration_lasts_at_most_100_years() {
    let server = Server::open().await;
    let archived = ["x-amz-storage-class: GLACIER"];
    server.ok("PUT /bkt/k", &archived, "1").await;
    let days = |days: u32| format!("<RestoreRequest><Days>{days}</Days></RestoreRequest>");
    for most in [36_501, 2_147_483_647] {
        let rejected = server.send("POST /bkt/k?restore", &[], &days(most)).await;
        assert_eq!(rejected.status, 400, "{rejected:?}");
        assert_eq!(rejected.code(), Some("InvalidArgument"));
    }
    server.ok("POST /bkt/k?restore", &[], &days(36_500)).await;
    let read = server.ok("GET /bkt/k", &[], "").await;
    assert!(read.header("x-amz-restore").is_some(), "{read:?}");
}
