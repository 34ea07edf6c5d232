//! `optional_setters!`: macro that writes `with_…` setters for fields of type `Option`.

/// Writes a setter for each named field: it sets `Some(value.into())` and returns the struct.
macro_rules! optional_setters {
    ($type:ident { $($(#[$doc:meta])* $setter:ident($field:ident: $value:ty);)* }) => {
        impl $type {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $setter(mut self, $field: $value) -> Self {
                    self.$field = Some($field.into());
                    self
                }
            )*
        }
    };
}

pub(crate) use optional_setters;
