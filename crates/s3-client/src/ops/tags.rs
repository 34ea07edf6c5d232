//! `tags` and `set_tags`: read and replace the tags of an object.

use s3_core::{GetTags as GetRequest, SetTags as SetRequest, Tags, VersionId};

use crate::Key;
use crate::call::Call;
use crate::error::Result;
use crate::request::{Mode, Op, Request};
use crate::s3::Client;

/// The operation of [`tags`](Client::tags).
#[derive(Clone, Debug)]
pub struct GetTags {
    key: Key,
    version: Option<VersionId>,
}

/// The operation of [`set_tags`](Client::set_tags).
#[derive(Clone, Debug)]
pub struct SetTags {
    key: Key,
    version: Option<VersionId>,
    tags: Tags,
}

impl<M: Mode> Client<M> {
    /// Returns the tags of an object. One request.
    ///
    /// # Errors
    ///
    /// Class `NotFound` for a missing object or bucket, `AccessDenied`, `Url` for a key that cannot be resolved.
    ///
    /// # Examples
    ///
    /// See [`set_tags`](Self::set_tags).
    pub fn tags(&self, key: impl Into<Key>) -> Request<GetTags, M> {
        self.request(GetTags {
            key: key.into(),
            version: None,
        })
    }

    /// Replaces all tags of an object; without any, removes them. One request. A write sends its own tags with
    /// [`attributes`](crate::Request::attributes).
    ///
    /// # Errors
    ///
    /// Those of [`tags`](Self::tags), and class `Other` for tags that S3 does not accept: it allows ten.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/k", "hello").await?;
    /// s3.set_tags("s3://b/k", [("project", "demo"), ("stage", "draft")]).await?;
    /// assert_eq!(s3.tags("s3://b/k").await?["stage"], "draft");
    /// # Ok(()) }
    /// ```
    pub fn set_tags<N: Into<String>, V: Into<String>>(
        &self,
        key: impl Into<Key>,
        tags: impl IntoIterator<Item = (N, V)>,
    ) -> Request<SetTags, M> {
        let tags = tags.into_iter();
        self.request(SetTags {
            key: key.into(),
            version: None,
            tags: tags
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        })
    }
}

macro_rules! version {
    ($($op:ident),*) => {$(
        impl<M> Request<$op, M> {
            /// Chooses this version instead of the newest.
            pub fn version(mut self, version: VersionId) -> Self {
                self.op.version = Some(version);
                self
            }
        }
    )*};
}

version!(GetTags, SetTags);

impl Op for GetTags {
    type Output = Tags;

    const NAME: &'static str = "tags";

    async fn run(self, call: Call) -> Result<Tags> {
        let mut request = GetRequest::new(call.client.object_url(&self.key)?);
        request.version = self.version;
        let tags = call.client.transfer.get_tags(request, &call.options);
        Ok(tags.await?)
    }
}

impl Op for SetTags {
    type Output = ();

    const NAME: &'static str = "set_tags";

    async fn run(self, call: Call) -> Result<()> {
        let mut request = SetRequest::new(call.client.object_url(&self.key)?, self.tags);
        request.version = self.version;
        let set = call.client.transfer.set_tags(request, &call.options);
        Ok(set.await?)
    }
}

#[cfg(test)]
mod tests {
    use s3_core::{Attributes, MemoryStore};

    use crate::{ErrorClass, blocking};

    #[test]
    fn tags_come_with_a_write_and_are_replaced_as_a_whole() {
        let store = MemoryStore::with_buckets(["b"]);
        let s3 = blocking::S3::builder().store(store).build().unwrap();
        let attributes = Attributes::default().with_tag("a", "1").with_tag("b", "2");
        let put = s3.put("s3://b/k", "x").attributes(attributes);
        put.send().unwrap();
        assert_eq!(s3.tags("s3://b/k").send().unwrap().len(), 2);
        s3.set_tags("s3://b/k", [("c", "3")]).send().unwrap();
        let tags = s3.tags("s3://b/k").send().unwrap();
        assert_eq!(
            tags.into_iter().collect::<Vec<_>>(),
            [("c".to_owned(), "3".to_owned())]
        );
        let missing = s3.tags("s3://b/none").send().unwrap_err();
        assert_eq!(missing.class(), ErrorClass::NotFound);
        let many = (0..11).map(|number| (number.to_string(), ""));
        assert!(s3.set_tags("s3://b/k", many).send().is_err());
    }
}
