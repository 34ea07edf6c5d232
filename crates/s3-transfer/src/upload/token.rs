//! [`WriteToken`]: a random entry of an object's user metadata that identifies the write that created the object.
//!
//! Neither the bytes nor the ETag identify a write: two writers may write the same bytes, and the ETag of an encrypted
//! object cannot be computed. See `docs/rfcs/0005-a-name-for-each-write.md`.

use s3_core::{Attributes, ObjectMeta};

/// The name of the user metadata entry that identifies the write. Objects have it if they were written conditionally or
/// in parts. Metaflow ignores it.
pub const WRITE_NAME: &str = "s3-transfer-write";

/// Maximum size of the user metadata that S3 accepts: names and values, in bytes.
const MAX_USER_METADATA: usize = 2048;

/// The header prefix of user metadata. MinIO counts it as part of the name, S3 does not.
const PREFIX: &str = "x-amz-meta-";

/// A random token of 32 hexadecimal digits. All attempts of one write share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WriteToken(String);

impl WriteToken {
    /// Generates a token and adds it to the user metadata. Returns `None` if the metadata would become too large, or if
    /// the system has no random numbers. No other generator is used, because forked processes share its state.
    pub(super) fn add_to(attributes: &mut Attributes) -> Option<Self> {
        // Attributes copied from an object contain the token of another write.
        attributes.user.remove(WRITE_NAME);
        let entries = attributes.user.iter();
        let size = |name: &str, value: &str| PREFIX.len() + name.len() + value.len();
        let used: usize = entries.map(|(name, value)| size(name, value)).sum();
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        let token = format!("{:032x}", u128::from_be_bytes(random));
        if used + size(WRITE_NAME, &token) > MAX_USER_METADATA {
            return None;
        }
        attributes.user.insert(WRITE_NAME.to_owned(), token.clone());
        Some(Self(token))
    }

    pub(super) fn from_string(token: String) -> Self {
        Self(token)
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    /// Returns whether an object was written by this write.
    pub(super) fn identifies(&self, object: &ObjectMeta) -> bool {
        object.attributes.user.get(WRITE_NAME) == Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_write_has_another_name_and_a_copy_does_not_keep_that_of_its_source() {
        let mut attributes = Attributes::default();
        let first = WriteToken::add_to(&mut attributes).unwrap();
        let second = WriteToken::add_to(&mut attributes).unwrap();
        assert_ne!(first, second);
        assert_eq!(attributes.user.len(), 1);
        assert_eq!(attributes.user[WRITE_NAME], second.0);
    }

    #[test]
    fn metadata_that_just_fits_is_left_as_it_is() {
        let mut attributes = Attributes::default();
        // As MinIO counts.
        let ours = PREFIX.len() + WRITE_NAME.len() + 32;
        let room = MAX_USER_METADATA - ours - PREFIX.len() - "m".len();
        attributes.user.insert("m".to_owned(), "x".repeat(room + 1));
        assert_eq!(WriteToken::add_to(&mut attributes), None);
        assert_eq!(attributes.user.len(), 1);
        attributes.user.insert("m".to_owned(), "x".repeat(room));
        assert!(WriteToken::add_to(&mut attributes).is_some());
    }
}
