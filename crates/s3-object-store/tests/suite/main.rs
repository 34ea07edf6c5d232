//! The adapter for each version of object_store, over a store in memory, over the embedded server and over s3s-fs.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

/// A test for each of object_store's own integration functions, in a bucket of its own.
macro_rules! functions {
    ($setup:ident: $($name:ident($($argument:tt)*);)*) => {$(
        #[tokio::test]
        async fn $name() {
            let setup = crate::setup::Setup::$setup().await;
            let store = S3ObjectStore::builder(setup.transfer(), crate::setup::BUCKET).build().unwrap();
            let run = async move { functions!(call $name store $($argument)*) };
            setup.check(stringify!($name), run).await;
        }
    )*};
    (call $name:ident $store:ident store) => { integration::$name(&$store).await };
    (call $name:ident $store:ident store, store) => { integration::$name(&$store, &$store).await };
    (call $name:ident $store:ident store, true) => { integration::$name(&$store, true).await };
    (call $name:ident $store:ident store, None) => {{
        let read = integration::$name(&$store, None).await;
        assert!(matches!(read, Err(super::object_store::Error::NotFound { .. })), "{read:?}");
    }};
}

/// The tests of one version; `more` are functions that only this version has.
macro_rules! all_functions {
    ($setup:ident $($more:tt)*) => {
        functions! { $setup:
            copy_if_not_exists(store);
            copy_rename_nonexistent_object(store);
            get_nonexistent_object(store, None);
            get_opts(store);
            list_paginated(store, store);
            list_uses_directories_correctly(store);
            list_with_delimiter(store);
            list_with_offset_exclusivity(store);
            multipart(store, store);
            multipart_out_of_order(store);
            multipart_race_condition(store, true);
            put_get_attributes(store);
            put_get_delete_list(store);
            put_opts(store, true);
            rename_and_copy(store);
            stream_get(store);
            $($more)*
        }
    };
}

mod amazon_s3;
mod capped;
mod setup;
mod v0_13;
mod v0_14;
mod warnings;
