//! A scripted server on 127.0.0.1: records requests and sends the responses of a case.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::signature;

/// A received request.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    /// The first bytes of the body.
    pub(super) body: String,
}

/// Maximum number of bytes of a body that are kept.
const KEPT: u64 = 64 << 10;

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        let found = all.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }

    /// `GET /b/k`, with the query.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// The response to requests whose line begins with a text; an empty text matches all requests.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) request: String,
    /// A text that the line must contain.
    pub(super) contains: String,
    pub(super) response: Vec<u8>,
    /// An action before the response is sent.
    pub(super) action: Option<Action>,
    /// The number of times the rule applies; after that, the next matching rule applies.
    pub(super) times: Option<usize>,
}

/// A change of a local file while the server responds.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) truncate: std::path::PathBuf,
    pub(super) to: u64,
}

/// A scripted server, which runs until the process ends.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    shared: Arc<Script>,
}

#[derive(Debug)]
struct Script {
    rules: Mutex<Vec<Rule>>,
    secret: Option<String>,
    seen: Mutex<Vec<Seen>>,
}

impl Server {
    /// Starts a server. With `secret`, it rejects requests that are not signed with this secret key.
    pub(super) fn start(rules: Vec<Rule>, secret: Option<String>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Script {
            rules: Mutex::new(rules),
            secret,
            seen: Mutex::default(),
        });
        let script = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let script = Arc::clone(&script);
                thread::spawn(move || serve(&stream, &script));
            }
        });
        Ok(Self { address, shared })
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        let seen = self.shared.seen.lock();
        seen.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(stream: &TcpStream, script: &Script) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut seen, expects) = match read_head(&mut reader) {
            Ok(Some(head)) => head,
            Ok(None) => break,
            Err(error) => {
                // For example the beginning of a TLS handshake.
                (&mut &*stream).write_all(&response("400 Bad Request", "", ""))?;
                return Err(error);
            }
        };
        let mut out = stream;
        if expects {
            out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        read_body(&mut reader, &mut seen)?;
        let mut all = script.seen.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(seen.clone());
        drop(all);
        let response = respond(script, &seen)?;
        out.write_all(&response)?;
        if !keeps_alive(&response, &seen) {
            stream.shutdown(std::net::Shutdown::Write)?;
            // Bytes that arrive later must not reset the connection before the client has read the response.
            let _ = io::copy(&mut reader, &mut io::sink());
            break;
        }
    }
    Ok(())
}

fn read_head(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<(Seen, bool)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut seen = Seen {
        method: words.next().unwrap_or_default(),
        target: words.next().unwrap_or_default(),
        headers: Vec::new(),
        body: String::new(),
    };
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => {
                let value = value.trim().to_owned();
                seen.headers.push((name.to_ascii_lowercase(), value));
            }
            None => break,
        }
    }
    let expects = seen.header("expect").is_some();
    Ok(Some((seen, expects)))
}

fn read_body(reader: &mut BufReader<&TcpStream>, seen: &mut Seen) -> io::Result<()> {
    if let Some(length) = seen.header("content-length") {
        let length: u64 = length.parse().map_err(io::Error::other)?;
        let kept = length.min(KEPT);
        let mut body = Vec::new();
        reader.take(kept).read_to_end(&mut body)?;
        seen.body = String::from_utf8_lossy(&body).into_owned();
        io::copy(&mut reader.take(length - kept), &mut io::sink())?;
        return Ok(());
    }
    if seen.header("transfer-encoding").is_none() {
        return Ok(());
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = line.trim().split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
        io::copy(&mut reader.take(size + 2), &mut io::sink())?;
        if size == 0 {
            return Ok(());
        }
    }
}

fn respond(script: &Script, seen: &Seen) -> io::Result<Vec<u8>> {
    if let Some(secret) = &script.secret
        && !signature::is_valid(seen, secret)
    {
        let body = "<Error><Code>SignatureDoesNotMatch</Code><Message>wrong</Message></Error>";
        return Ok(response("403 Forbidden", "", body));
    }
    let mut rules = script.rules.lock().unwrap_or_else(PoisonError::into_inner);
    let line = seen.line();
    let fits = |rule: &&mut Rule| {
        line.starts_with(&rule.request) && line.contains(&rule.contains) && rule.times != Some(0)
    };
    if let Some(rule) = rules.iter_mut().find(fits) {
        rule.times = rule.times.map(|times| times - 1);
        if let Some(Action { truncate, to }) = &rule.action {
            std::fs::OpenOptions::new()
                .write(true)
                .open(truncate)?
                .set_len(*to)?;
        }
        return Ok(rule.response.clone());
    }
    Ok(usual(seen))
}

/// Returns the default response: the bucket `b` has one object of 5 bytes, and all writes succeed.
fn usual(seen: &Seen) -> Vec<u8> {
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let key = path.rsplit_once("://").map_or(path, |(_, rest)| rest);
    let is_bucket = key.trim_matches('/').matches('/').count() == 0 && key.ends_with('/');
    let object = "ETag: \"5d41402abc4b2a76b9719d911017c592\"\r\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
    match &*seen.method {
        "POST" if query.starts_with("uploads") => response(
            "200 OK",
            "",
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
        ),
        "POST" if query.starts_with("delete") => {
            response("200 OK", "", "<DeleteResult></DeleteResult>")
        }
        "DELETE" => response("204 No Content", "", ""),
        "PUT" if seen.header("x-amz-copy-source").is_some() => response(
            "200 OK",
            "",
            "<CopyObjectResult><LastModified>2015-10-21T07:28:00.000Z</LastModified><ETag>\"a\"</ETag></CopyObjectResult>",
        ),
        "PUT" => response("200 OK", object, ""),
        "GET" | "HEAD" if path == "/" => response(
            "200 OK",
            "",
            "<ListAllMyBucketsResult><Buckets><Bucket><Name>b</Name></Bucket></Buckets></ListAllMyBucketsResult>",
        ),
        "GET" if query.contains("list-type") || is_bucket => response(
            "200 OK",
            "",
            "<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated><KeyCount>1</KeyCount><Contents>\
             <Key>k</Key><Size>5</Size></Contents></ListBucketResult>",
        ),
        "GET" if seen.header("range").is_some() => response(
            "206 Partial Content",
            &format!("{object}Content-Range: bytes 0-4/5\r\n"),
            "hello",
        ),
        "HEAD" => format!("HTTP/1.1 200 OK\r\n{object}Content-Length: 5\r\n\r\n").into_bytes(),
        _ => response("200 OK", object, "hello"),
    }
}

/// Returns a response with `Content-Length`.
pub(super) fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = match status.starts_with("204") {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", body.len()),
    };
    format!("HTTP/1.1 {status}\r\n{headers}{length}\r\n{body}").into_bytes()
}

/// Returns whether the response has a defined end, so that the connection can be reused.
fn keeps_alive(response: &[u8], seen: &Seen) -> bool {
    let head = response
        .split(|byte| *byte == b'\n')
        .take_while(|line| line.len() > 1);
    let head: String = head
        .map(|line| String::from_utf8_lossy(line).to_lowercase())
        .collect();
    let size = response.windows(4).position(|four| four == b"\r\n\r\n");
    let body = size.map_or(0, |at| response.len() - at - 4);
    let length = head.split("content-length:").nth(1);
    let length = length.and_then(|rest| rest.split('\r').next()?.trim().parse::<usize>().ok());
    seen.method != "HEAD" && (length == Some(body) || head.contains(" 204 "))
}
