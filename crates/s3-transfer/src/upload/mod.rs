//! Uploads and copies: one request for small payloads, multipart uploads for large ones and for readers.

mod abort;
mod copy;
mod create;
mod item;
mod list_uploads;
mod multipart;
mod object;
mod reader;
mod reconcile;
mod session;
mod target;
mod token;

pub use copy::COPY_PART;
pub use item::{PutItem, PutOutcome, Source};
pub use session::{CreatedUpload, UploadSession};
pub use token::WRITE_NAME;
