//! Performs a step of a vector: calls the client and converts the result to JSON.

use s3_client::{MetaflowObject, PutValue, S3PutObject, WriteResult};
use serde_json::{Value, json};

use super::argument::Argument;
use super::call::{Bound, Call, Step};
use super::outcome::show_list;
use super::pair::{Pair, metadata, text};
use super::player::{Player, Raised};
use super::record;
use super::show::{has_file, show_again};
use super::untypable;

type CallResult<T> = Result<T, Raised>;

impl Player {
    /// Performs a step and returns its result as JSON.
    pub(crate) async fn perform(&mut self, step: &Step) -> Value {
        if step.call == Call::Construct {
            return self.plain(record::construct(step).map_err(Into::into));
        }
        let Some(bound) = step.bind() else {
            return self.plain(Err(untypable::arguments().into()));
        };
        match step.call {
            Call::Get => {
                let result = self.get(&bound).await;
                self.one(result)
            }
            Call::Info => {
                let result = self.info(&bound).await;
                self.one(result)
            }
            Call::GetMany
            | Call::GetRecursive
            | Call::GetAll
            | Call::InfoMany
            | Call::ListPaths
            | Call::ListRecursive => {
                let result = self.read_many(step.call, &bound).await;
                self.many(result)
            }
            Call::Put | Call::PutMany | Call::PutFiles | Call::Delete | Call::Copy => {
                let result = self.write(step.call, &bound).await;
                self.plain(result)
            }
            _ => {
                let result = self.pseudo(step.call, &bound).await;
                self.plain(result)
            }
        }
    }

    async fn get(&mut self, bound: &Bound) -> CallResult<MetaflowObject> {
        let object = self.get_object(bound.get("key"))?;
        let call = self.s3.get(object);
        let call = call.return_info(bound.flag("return_info", true));
        Ok(match bound.flag("return_missing", false) {
            true => call.return_missing().await?.into(),
            false => call.await?.into(),
        })
    }

    async fn info(&mut self, bound: &Bound) -> CallResult<MetaflowObject> {
        let call = self.s3.info(self.key(bound.get("key"))?);
        Ok(match bound.flag("return_missing", false) {
            true => call.return_missing().await?.into(),
            false => call.await?.into(),
        })
    }

    async fn read_many(&mut self, call: Call, bound: &Bound) -> CallResult<Vec<MetaflowObject>> {
        let return_missing = bound.flag("return_missing", false);
        Ok(match call {
            Call::GetMany => {
                let objects = self.get_objects(bound.get("keys"))?;
                let call = self.s3.get_many(objects);
                let call = call.return_info(bound.flag("return_info", true));
                match return_missing {
                    true => all(call.return_missing().await?),
                    false => all(call.await?),
                }
            }
            Call::InfoMany => {
                let call = self.s3.info_many(self.keys(bound.get("keys"))?);
                match return_missing {
                    true => all(call.return_missing().await?),
                    false => all(call.await?),
                }
            }
            Call::GetRecursive => {
                let keys = self.keys(bound.get("keys"))?;
                let call = self.s3.get_recursive(keys);
                all(call.return_info(bound.flag("return_info", false)).await?)
            }
            Call::GetAll => {
                let call = self.s3.get_all();
                all(call.return_info(bound.flag("return_info", false)).await?)
            }
            Call::ListPaths => all(self.s3.list_paths().at(self.list_keys(bound)?).await?),
            _ => all(self.s3.list_recursive().at(self.list_keys(bound)?).await?),
        })
    }

    async fn write(&mut self, call: Call, bound: &Bound) -> CallResult<Value> {
        match call {
            Call::Put => self.put(bound).await,
            Call::PutMany => self.put_many(bound).await,
            Call::PutFiles => self.put_files(bound).await,
            Call::Delete => {
                let key = self.key(bound.get("key"))?;
                self.s3.delete(key).await?;
                Ok(Value::Null)
            }
            _ => {
                let (from, to) = (self.key(bound.get("from"))?, self.key(bound.get("to"))?);
                self.s3.copy(from, to).await?;
                Ok(Value::Null)
            }
        }
    }

    async fn put(&mut self, bound: &Bound) -> CallResult<Value> {
        let value = self.value(bound.get("obj"))?.ok_or_else(untypable::value)?;
        let key = self.key(bound.get("key"))?;
        let mut call = self
            .s3
            .put(key, value)
            .overwrite(bound.flag("overwrite", true));
        if let Some(content_type) = text(bound.get("content_type")) {
            call = call.content_type(content_type);
        }
        if let Some(metadata) = metadata(bound.get("metadata"))? {
            call = call.metadata(self.names.fill_json(&metadata));
        }
        Ok(json!(call.await?.url()))
    }

    async fn put_many(&mut self, bound: &Bound) -> CallResult<Value> {
        let pairs = Pair::all(bound.get("key_objs"))?;
        let mut items = Vec::new();
        for pair in &pairs {
            // A value that Rust cannot express counts as no value, which the client rejects itself when its turn comes.
            let value = self.value(&pair.value)?;
            items.push(self.put_object(pair, value)?);
        }
        let written = self
            .s3
            .put_many(items)
            .overwrite(bound.flag("overwrite", true))
            .await?;
        Ok(self.show_written(&pairs, &written))
    }

    async fn put_files(&mut self, bound: &Bound) -> CallResult<Value> {
        let pairs = Pair::all(bound.get("key_paths"))?;
        let mut items = Vec::new();
        for pair in &pairs {
            let mut item = self.put_object(pair, None)?;
            item.path = Some(self.path(&pair.path)?);
            items.push(item);
        }
        let written = self
            .s3
            .put_files(items)
            .overwrite(bound.flag("overwrite", true))
            .await?;
        Ok(self.show_written(&pairs, &written))
    }

    fn put_object(&self, pair: &Pair, value: Option<PutValue>) -> CallResult<S3PutObject> {
        let metadata = pair.metadata.as_ref();
        let mut object = S3PutObject::default();
        object.key = self.key(&pair.key)?;
        object.value = value;
        object.content_type = pair.content_type.clone();
        object.encryption = pair.encryption.clone();
        object.metadata = metadata.map(|metadata| self.names.fill_json(metadata));
        Ok(object)
    }

    /// Formats the written objects, with keys as given: the root may have been given as `None` or as "". Metaflow omits
    /// objects that already existed.
    fn show_written(&self, pairs: &[Pair], written: &[WriteResult]) -> Value {
        let mut given = pairs.iter();
        let written = written.iter().filter(|result| !result.already_there());
        let shown = written.map(|result| {
            let (key, url) = result.pair();
            let is_it = |pair: &&Pair| match &pair.key {
                Argument::Text(text) => self.names.fill(text) == key,
                _ => true,
            };
            let key = match given.find(is_it).map(|pair| &pair.key) {
                Some(Argument::Text(_)) | None => json!(key),
                Some(_) => Value::Null,
            };
            json!({"$tuple": [key, url]})
        });
        show_list(shown.map(|pair| self.names.mask(&pair)).collect())
    }

    async fn pseudo(&mut self, call: Call, bound: &Bound) -> CallResult<Value> {
        match call {
            Call::Close => {
                self.s3.close().await?;
                Ok(Value::Null)
            }
            Call::WithRaise => {
                self.s3.close().await?;
                Err(Raised::Block)
            }
            Call::TemporaryDirs => self.temporary_dirs(bound),
            Call::RemoveTemporary => {
                let scratch = self.s3.scratch_path();
                let scratch =
                    scratch.ok_or_else(|| Raised::Runner("there is no directory".to_owned()))?;
                std::fs::remove_dir_all(scratch)
                    .map_err(|error| Raised::Runner(error.to_string()))?;
                Ok(Value::Null)
            }
            Call::ChangeDir => {
                self.cwd = self.cwd.join("sub");
                std::fs::create_dir_all(&self.cwd)
                    .map_err(|error| Raised::Runner(error.to_string()))?;
                Ok(Value::Null)
            }
            Call::FileClosed => {
                let stream = bound
                    .index("stream")
                    .and_then(|index| self.streams.is_closed(index));
                stream
                    .map(Value::Bool)
                    .ok_or_else(|| Raised::Runner("there is no such stream".to_owned()))
            }
            _ => self.look(call, bound),
        }
    }

    /// Formats earlier results again.
    fn look(&self, call: Call, bound: &Bound) -> CallResult<Value> {
        let no_step = || Raised::Runner("there is no such step".to_owned());
        let step = bound.index("step").ok_or_else(no_step)?;
        match call {
            Call::Reread => Ok(show_again(self.earlier(step, bound.index("item"))?)?),
            Call::PathExists => Ok(json!(has_file(self.earlier(step, bound.index("item"))?))),
            _ => {
                let path = |name| Ok::<_, Raised>(self.earlier(step, bound.index(name))?.path()?);
                Ok(json!(path("first")? == path("second")?))
            }
        }
    }

    /// Returns the names in a directory below the working directory, with the random part masked.
    fn temporary_dirs(&self, bound: &Bound) -> CallResult<Value> {
        let directory = match bound.get("dir") {
            Argument::Text(name) => self.start.join(self.names.fill(name)),
            _ => self.start.clone(),
        };
        let entries = std::fs::read_dir(&directory);
        let entries =
            entries.map_err(|error| Raised::Runner(format!("read a directory: {error}")))?;
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| is_scratch(name) || directory == self.start)
            .filter(|name| !matches!(name.as_str(), "local" | "sub"))
            .map(|name| {
                if is_scratch(&name) {
                    "metaflow.s3.XXXXXXXX".to_owned()
                } else {
                    name
                }
            })
            .collect();
        names.sort();
        Ok(json!(names))
    }
}

fn all<T: Into<MetaflowObject>>(results: Vec<T>) -> Vec<MetaflowObject> {
    results.into_iter().map(Into::into).collect()
}

fn is_scratch(name: &str) -> bool {
    name.strip_prefix("metaflow.s3.")
        .is_some_and(|random| random.chars().count() == 8)
}
