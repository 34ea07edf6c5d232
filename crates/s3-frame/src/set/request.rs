//! Macro that defines the options and methods of write requests (`send`, `send_split`, `remove_orphans`), for any
//! format.

/// Defines the options and methods of a request with the fields `s3`, `target`, `format` and `options`. In examples,
/// `$first` is the name of the first part, and `$named` a target with other part names.
macro_rules! set_request {
    ($request:ident, $first:literal, $named:literal) => {
        impl<M: s3_client::Mode> $request<M> {
            /// Sets what happens if the set or the object exists.
            pub fn existing(mut self, existing: $crate::Existing) -> Self {
                self.options.existing = existing;
                self
            }

            /// Sets whether a set has a manifest; `true` by default.
            ///
            /// Without a manifest, readers see some of the parts while they are being completed, and cannot detect it.
            /// A server that ignores `If-Match` on a write cannot have a manifest.
            pub fn manifest(mut self, manifest: bool) -> Self {
                self.options.has_manifest = manifest;
                self
            }

            /// Returns the client, and the same request for the async API.
            pub(crate) fn into_parts(self) -> (s3_client::Client<M>, $request) {
                let request = $request {
                    s3: self.s3.to_async(),
                    target: self.target,
                    format: self.format,
                    options: self.options,
                };
                (self.s3, request)
            }
        }

        impl $request {
            #[doc = concat!(
                "Writes each of `parts` as one object: `", $first, "` and so on. A target such as `", $named,
                "` names them otherwise. Returns the manifest, which is written last."
            )]
            ///
            /// Every part is uploaded before the first is completed, so an error or drop before that leaves no objects.
            /// S3 has no transactions: from the first completion until the manifest is written, readers that use the
            /// manifest fail with `Unfinished`, and others see some of the parts.
            ///
            /// Rows are encoded on the task of the caller, one part after another. Memory: one batch, its encoded
            /// bytes, four pieces of the part size of the engine, which doubles every 2,500 pieces of an object, and 32
            /// MiB of small parts. Parquet also needs the open row group: up to 64 MiB of encoded columns, and the
            /// memory to encode the last batch.
            ///
            /// # Errors
            ///
            /// `Exists` if there are objects that must not be replaced, `Conflict` if another writer writes the same
            /// set, `Unsupported` before anything is written if the server does not support a manifest, and the first
            /// error of `parts`.
            pub async fn send<P>(
                self,
                schema: arrow_schema::SchemaRef,
                parts: impl IntoIterator<Item = P> + Send,
            ) -> $crate::Result<$crate::Manifest>
            where
                P: futures_util::Stream<Item = $crate::Result<arrow_array::RecordBatch>> + Send,
            {
                let parts: Vec<P> = parts.into_iter().collect();
                if parts.is_empty() {
                    return Err($crate::Error::Pattern {
                        pattern: self.target,
                        reason: "is to be a set without parts: it has at least one".to_owned(),
                    });
                }
                let location = self.location()?;
                let count = Some(parts.len() as u64);
                self.writer(&location, &schema, count).await?.write_parts(parts).await
            }

            /// Writes a stream of rows as a set of objects, divided by `split`. The set has at least one object.
            ///
            /// # Errors
            ///
            /// As [`send`](Self::send).
            pub async fn send_split<P>(
                self,
                schema: arrow_schema::SchemaRef,
                rows: P,
                split: $crate::Split,
            ) -> $crate::Result<$crate::Manifest>
            where
                P: futures_util::Stream<Item = $crate::Result<arrow_array::RecordBatch>> + Send,
            {
                let location = self.location()?;
                self.writer(&location, &schema, split.count()).await?.write_split(rows, split).await
            }

            /// Writes all rows as one object, without a manifest. Returns its URL.
            ///
            /// # Errors
            ///
            /// As [`send`](Self::send); appending to an object is an error.
            pub async fn send_single<P>(
                self,
                schema: arrow_schema::SchemaRef,
                rows: P,
            ) -> $crate::Result<String>
            where
                P: futures_util::Stream<Item = $crate::Result<arrow_array::RecordBatch>> + Send,
            {
                let existing = self.options.existing;
                $crate::set::write_object(
                    &self.s3,
                    &self.target,
                    &self.format,
                    existing,
                    &schema,
                    rows,
                )
                .await
            }

            /// Deletes objects of killed writers of this set that are at least `older_than` old: an unfinished set, or
            /// the parts that the manifest of a finished set does not list. Returns the URLs of the deleted objects.
            /// Does not change a set without a manifest.
            ///
            /// If the unfinished write has not yet replaced any part, the previous set becomes readable again.
            /// Otherwise its remaining parts are deleted too.
            ///
            /// A writer that is still running loses its parts if they are that old. If it replaces a set, it may still
            /// replace parts of the restored one, which is an error when they are read. So `older_than` must be longer
            /// than any write takes. Uploads that were never completed are removed by
            /// [`S3::cleanup`](s3_client::S3::cleanup).
            ///
            /// # Errors
            ///
            /// `Conflict` if another writer writes the set.
            pub async fn remove_orphans(
                self,
                older_than: std::time::Duration,
            ) -> $crate::Result<Vec<String>> {
                let location = self.location()?;
                $crate::set::remove_orphans(&self.s3, &location, older_than).await
            }

            fn location(&self) -> $crate::Result<$crate::set::SetLocation> {
                let (name, numbering) = $crate::set::SetFormat::part_names(&self.format);
                $crate::set::SetLocation::parse(&self.s3, &self.target, name, numbering)
            }

            async fn writer<'a>(
                &'a self,
                location: &'a $crate::set::SetLocation,
                schema: &arrow_schema::SchemaRef,
                count: Option<u64>,
            ) -> $crate::Result<$crate::set::SetWriter<'a>> {
                let options = self.options;
                $crate::set::SetWriter::begin(
                    &self.s3,
                    location,
                    &self.format,
                    options,
                    schema,
                    count,
                )
                .await
            }
        }

        impl $request<s3_client::blocking::Blocking> {
            /// Writes each of `parts` as one object and blocks until all are written.
            ///
            /// The parts are iterated on a separate thread, so they may block. The call returns after that thread has
            /// ended: if the write fails while an iterator waits for its next rows, the error is returned once the
            /// iterator has returned them.
            ///
            /// # Errors
            ///
            /// As the async request; also fails if it is called in async code.
            pub fn send<P>(
                self,
                schema: arrow_schema::SchemaRef,
                parts: impl IntoIterator<Item = P>,
            ) -> $crate::Result<$crate::Manifest>
            where
                P: IntoIterator<Item = $crate::Result<arrow_array::RecordBatch>> + Send,
            {
                let (s3, request) = self.into_parts();
                $crate::blocking::while_feeding(parts.into_iter().collect(), |parts| {
                    s3.block_on(request.send(schema, parts))?
                })
            }

            /// Writes rows as a set of objects, divided by `split`.
            ///
            /// # Errors
            ///
            /// As [`send`](Self::send).
            pub fn send_split<P>(
                self,
                schema: arrow_schema::SchemaRef,
                rows: P,
                split: $crate::Split,
            ) -> $crate::Result<$crate::Manifest>
            where
                P: IntoIterator<Item = $crate::Result<arrow_array::RecordBatch>> + Send,
            {
                let (s3, request) = self.into_parts();
                $crate::blocking::while_feeding(vec![rows], |rows| {
                    let rows = futures_util::StreamExt::flatten(futures_util::stream::iter(rows));
                    s3.block_on(request.send_split(schema, rows, split))?
                })
            }

            /// Deletes objects of killed writers of this set that are at least `older_than` old, as the async request
            /// does. Returns the URLs of the deleted objects.
            ///
            /// # Errors
            ///
            /// `Conflict` if another writer writes the set.
            pub fn remove_orphans(
                self,
                older_than: std::time::Duration,
            ) -> $crate::Result<Vec<String>> {
                let (s3, request) = self.into_parts();
                s3.block_on(request.remove_orphans(older_than))?
            }

            /// Writes all rows as one object. Returns its URL.
            ///
            /// # Errors
            ///
            /// As [`send`](Self::send).
            pub fn send_single<P>(
                self,
                schema: arrow_schema::SchemaRef,
                rows: P,
            ) -> $crate::Result<String>
            where
                P: IntoIterator<Item = $crate::Result<arrow_array::RecordBatch>> + Send,
            {
                let (s3, request) = self.into_parts();
                $crate::blocking::while_feeding(vec![rows], |rows| {
                    let rows = futures_util::StreamExt::flatten(futures_util::stream::iter(rows));
                    s3.block_on(request.send_single(schema, rows))?
                })
            }
        }
    };
}

pub(crate) use set_request;
