//! A vector's call: parses its name, and binds its arguments to parameters as Python does.

use std::collections::BTreeMap;

use serde_json::Value;

use super::argument::Argument;
use super::fields::{Fields, list};
use super::malformed::{Malformed, Read};
use super::python::is_truthy;

/// A step: a client method, or a pseudo call of the runner.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The function to call.
    pub call: Call,
    /// Positional arguments.
    pub args: Vec<Argument>,
    /// Keyword arguments, as written.
    pub kwargs: Vec<(String, Argument)>,
}

/// The parameters of a Python method in order, with the number of those without a default.
struct Signature {
    name: &'static str,
    call: Call,
    required: usize,
    parameters: &'static [&'static str],
}

macro_rules! calls {
    ($($call:ident = $name:literal, $required:literal, [$($parameter:literal),*], $doc:literal;)*) => {
        /// A function that a step can call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Call { $(#[doc = $doc] $call,)* }

        const SIGNATURES: &[Signature] = &[$(Signature {
            name: $name, call: Call::$call, required: $required, parameters: &[$($parameter),*],
        },)*];
    };
}

calls! {
    Get = "get", 0, ["key", "return_missing", "return_info"], "`get`";
    GetMany = "get_many", 1, ["keys", "return_missing", "return_info"], "`get_many`";
    GetRecursive = "get_recursive", 1, ["keys", "return_info"], "`get_recursive`";
    GetAll = "get_all", 0, ["return_info"], "`get_all`";
    Put = "put", 2, ["key", "obj", "overwrite", "content_type", "metadata"], "`put`";
    PutMany = "put_many", 1, ["key_objs", "overwrite"], "`put_many`";
    PutFiles = "put_files", 1, ["key_paths", "overwrite"], "`put_files`";
    Info = "info", 0, ["key", "return_missing"], "`info`";
    InfoMany = "info_many", 1, ["keys", "return_missing"], "`info_many`";
    ListPaths = "list_paths", 0, ["keys"], "`list_paths`";
    ListRecursive = "list_recursive", 0, ["keys"], "`list_recursive`";
    Close = "close", 0, [], "`close`";
    Delete = "delete", 1, ["key"], "`delete`, beyond Metaflow: for the model tests";
    Copy = "copy", 2, ["from", "to"], "`copy`, beyond Metaflow: for the model tests";
    TemporaryDirs = "$tmpdirs", 0, ["dir"], "names in the directory for temporary files";
    Reread = "$reread", 1, ["step", "item"], "an earlier result, read again";
    PathExists = "$path_exists", 1, ["step", "item"], "whether the file of an earlier result is there";
    SamePath = "$same_path", 3, ["step", "first", "second"], "whether two results share a file";
    FileClosed = "$file_closed", 1, ["stream"], "whether a stream that was passed is closed";
    Construct = "$construct", 1, ["type"], "one of the record types";
    WithRaise = "$with_raise", 0, [], "a `with` block that ends by an exception";
    RemoveTemporary = "$rmtree_tmp", 0, [], "someone removes the client's temporary directory";
    ChangeDir = "$chdir_sub", 0, [], "the process moves to a sub-directory";
}

impl Call {
    /// Returns the name as vectors write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        let of_call = |signature: &&Signature| signature.call == self;
        SIGNATURES
            .iter()
            .find(of_call)
            .map_or("", |signature| signature.name)
    }

    /// Returns whether the call is on many objects.
    pub(crate) const fn is_many(self) -> bool {
        matches!(
            self,
            Self::GetMany
                | Self::GetRecursive
                | Self::GetAll
                | Self::PutMany
                | Self::PutFiles
                | Self::InfoMany
        )
    }
}

impl Step {
    pub(crate) fn read(place: &str, value: &Value) -> Read<Self> {
        let mut fields = Fields::of(place, value)?;
        let name = fields.text("call")?;
        let signature = SIGNATURES
            .iter()
            .find(|signature| signature.name == name)
            .ok_or_else(|| Malformed::new(place, format!("unknown call `{name}`")))?;
        let args = fields.required("args")?;
        let args = list(place, &args)?
            .iter()
            .enumerate()
            .map(|(index, arg)| Argument::read(&format!("{place}.args[{index}]"), arg))
            .collect::<Read<_>>()?;
        let kwargs = match fields.take("kwargs") {
            None => Vec::new(),
            Some(value) => Fields::of(format!("{place}.kwargs"), &value)?
                .rest()
                .iter()
                .map(|(name, value)| {
                    let place = format!("{place}.kwargs.{name}");
                    Ok((name.clone(), Argument::read(&place, value)?))
                })
                .collect::<Read<_>>()?,
        };
        fields.done()?;
        Ok(Self {
            call: signature.call,
            args,
            kwargs,
        })
    }

    /// Returns the arguments by name; `None` if Python raises TypeError: too many, unknown, duplicate or missing
    /// arguments.
    #[must_use]
    pub fn bind(&self) -> Option<Bound> {
        let signature = SIGNATURES
            .iter()
            .find(|signature| signature.call == self.call)?;
        let mut named = BTreeMap::new();
        for (index, value) in self.args.iter().enumerate() {
            named.insert(*signature.parameters.get(index)?, value.clone());
        }
        for (name, value) in &self.kwargs {
            let known = signature.parameters.iter().find(|known| *known == name)?;
            if named.insert(*known, value.clone()).is_some() {
                return None;
            }
        }
        let complete = signature.parameters[..signature.required]
            .iter()
            .all(|name| named.contains_key(name));
        complete.then_some(Bound(named))
    }
}

/// Arguments by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound(BTreeMap<&'static str, Argument>);

impl Bound {
    /// Returns an argument. Python's `None` and a missing argument are the same.
    #[must_use]
    pub fn get(&self, name: &str) -> &Argument {
        self.0.get(name).unwrap_or(&Argument::Null)
    }

    /// Returns the truth value of an argument, or its default.
    #[must_use]
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.0.get(name).map_or(default, is_truthy)
    }

    /// Returns a count, such as the number of a step.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<usize> {
        match self.get(name) {
            Argument::Number(number) => usize::try_from(number.as_u64()?).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_unknown_call_is_malformed() {
        assert!(Step::read("s", &json!({"call": "gte", "args": []})).is_err());
        assert!(Step::read("s", &json!({"call": "get", "args": [], "kwarg": {}})).is_err());
    }

    #[test]
    fn arguments_are_bound_as_python_binds_them() {
        let step = |value| Step::read("s", &value).unwrap();
        let put = step(json!({"call": "put", "args": ["k", "v"], "kwargs": {"overwrite": false}}));
        let bound = put.bind().unwrap();
        assert_eq!(bound.get("obj"), &Argument::Text("v".to_owned()));
        assert!(!bound.flag("overwrite", true));
        assert!(step(json!({"call": "put", "args": ["k"]})).bind().is_none());
        assert!(
            step(json!({"call": "get", "args": ["k"], "kwargs": {"key": "k"}}))
                .bind()
                .is_none()
        );
        assert!(
            step(json!({"call": "get", "args": [], "kwargs": {"keys": "k"}}))
                .bind()
                .is_none()
        );
    }
}
