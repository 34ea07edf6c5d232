//! [`WriteToken`]: an entry of user metadata that identifies one write.
//!
//! ETags and bytes cannot tell: two writers may write the same, and an encrypted object has a tag that nobody can work
//! out. See `docs/rfcs/0005-a-name-for-each-write.md`.

use s3_core::{Attributes, ObjectMeta};

/// The entry of the user metadata that names the write, of objects written on a condition or in parts. Metaflow reads only
/// an entry of its own.
pub const WRITE_NAME: &str = "s3-transfer-write";

/// How much user metadata S3 takes: names and values, in bytes.
const MOST: usize = 2048;

/// S3 does not count this part of a name, but MinIO does.
const PREFIX: &str = "x-amz-meta-";

/// The name of one write. Another attempt of the same write has the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WriteToken(String);

impl WriteToken {
    /// Makes a name and adds it to what is stored with the object; `None` if that would be too much, or the system has
    /// no random numbers to give. Nothing else will do: forked processes share a generator's state.
    pub(super) fn add_to(attributes: &mut Attributes) -> Option<Self> {
        // That of another write, if the attributes are those of an object.
        attributes.user.remove(WRITE_NAME);
        let entries = attributes.user.iter();
        let size = |name: &str, value: &str| PREFIX.len() + name.len() + value.len();
        let used: usize = entries.map(|(name, value)| size(name, value)).sum();
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        let token = format!("{:032x}", u128::from_be_bytes(random));
        if used + size(WRITE_NAME, &token) > MOST {
            return None;
        }
        attributes.user.insert(WRITE_NAME.to_owned(), token.clone());
        Some(Self(token))
    }

    /// Returns whether an object is what this write wrote.
    pub(super) fn is_of(&self, object: &ObjectMeta) -> bool {
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
        // By MinIO's count.
        let ours = PREFIX.len() + WRITE_NAME.len() + 32;
        let room = MOST - ours - PREFIX.len() - "m".len();
        attributes.user.insert("m".to_owned(), "x".repeat(room + 1));
        assert_eq!(WriteToken::add_to(&mut attributes), None);
        assert_eq!(attributes.user.len(), 1);
        attributes.user.insert("m".to_owned(), "x".repeat(room));
        assert!(WriteToken::add_to(&mut attributes).is_some());
    }
}
