//! What the stores of the gates pass on as it is.

/// Writes the methods of `Store` that are named, as calls of the field of that name.
macro_rules! forward {
    ($field:ident: $($name:ident($($request:ident)?) -> $answer:ty;)*) => {
        $(fn $name(
            &self $(, request: ::s3_core::$request)?
        ) -> impl ::std::future::Future<Output = ::s3_core::Result<$answer>> + Send {
            $crate::prove::forward::call!(self.$field, $name $(, request as $request)?)
        })*
    };
}

/// One call, with its request if it has one.
macro_rules! call {
    ($store:expr, $name:ident) => {
        ::s3_core::Store::$name(&$store)
    };
    ($store:expr, $name:ident, $request:ident as $kind:ident) => {
        ::s3_core::Store::$name(&$store, $request)
    };
}

pub(crate) use {call, forward};
