//! tough as a client: reads one JSON object on standard input, writes one on standard output.
//!
//! In: root (a path), metadata_url, targets_url, directory, targets (paths); hashes always prefix target names.
//! Out: fetched (url, status, base64 of the body), cache (file name to base64), targets (path to base64, null where absent).

use std::error::Error;
use std::fs;
use std::io::stdin;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::{engine::general_purpose::STANDARD, Engine};
use futures::{stream, TryStreamExt};
use serde_json::{json, Map, Value};
use tough::{
    DefaultTransport, IntoVec, RepositoryLoader, TargetName, Transport, TransportError,
    TransportErrorKind, TransportStream,
};
use url::Url;

#[derive(Clone, Debug)]
struct Recorder {
    inner: DefaultTransport,
    fetched: Arc<Mutex<Vec<Value>>>,
}

#[async_trait]
impl Transport for Recorder {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let whole = match self.inner.fetch(url.clone()).await {
            Ok(stream) => stream
                .try_collect::<Vec<_>>()
                .await
                .map(|chunks| chunks.concat()),
            Err(error) => Err(error),
        };
        let (status, body) = match &whole {
            Ok(body) => (200, body.clone()),
            Err(error) if error.kind() == TransportErrorKind::FileNotFound => (404, vec![]),
            Err(_) => (0, vec![]),
        };
        let one = json!({"url": url.as_str(), "status": status, "body": STANDARD.encode(body)});
        self.fetched.lock().unwrap().push(one);
        whole.map(|body| Box::pin(stream::iter([Ok(bytes::Bytes::from(body))])) as TransportStream)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let asked: Value = serde_json::from_reader(stdin())?;
    let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    let recorder = Recorder {
        inner: DefaultTransport::new(),
        fetched: Arc::default(),
    };
    let datastore = Path::new(&text("directory")).join("metadata");
    fs::create_dir_all(&datastore)?;
    let root = fs::read(text("root"))?;
    let repository = RepositoryLoader::new(
        &root,
        Url::parse(&text("metadata_url"))?,
        Url::parse(&text("targets_url"))?,
    )
    .transport(recorder.clone())
    .datastore(&datastore)
    .load()
    .await?;

    let mut targets = Map::new();
    for path in asked["targets"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let found = match repository.read_target(&TargetName::new(path)?).await? {
            Some(stream) => Value::from(STANDARD.encode(stream.into_vec().await?)),
            None => Value::Null,
        };
        targets.insert(path.to_owned(), found);
    }
    let mut cache = Map::new();
    for entry in fs::read_dir(&datastore)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        cache.insert(name, Value::from(STANDARD.encode(fs::read(entry.path())?)));
    }
    let fetched = recorder.fetched.lock().unwrap().clone();
    println!(
        "{}",
        json!({"fetched": fetched, "cache": cache, "targets": targets})
    );
    Ok(())
}
