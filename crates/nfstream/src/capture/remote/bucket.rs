//! Buckets of object stores.

use std::env;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig};

use super::super::content::ContentError;
use super::super::url::Scheme;
use super::connector::{Connector, completed};
use super::object::{Object, Part, Version, Whole};
use super::profile::Profile;
use super::web::{Web, WebError, words};
use crate::host::brief;

/// Bucket of a store, or container.
#[derive(Debug)]
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    scheme: Scheme,
}

/// Object of a bucket.
#[derive(Debug)]
pub(super) struct Stored {
    store: Arc<dyn ObjectStore>,
    scheme: Scheme,
    key: Key,
}

/// Objects of a folder, and its folders.
pub(super) struct List {
    /// Keys and bytes.
    pub(super) objects: Vec<(String, u64)>,
    /// Prefixes, without the last slash.
    pub(super) folders: Vec<String>,
}

impl Bucket {
    /// Prepares access with the store's usual environment variables and profile.
    pub(super) fn new(web: Arc<Web>, scheme: Scheme, name: &str) -> io::Result<Self> {
        let connector = Connector(web);
        // The client repeats requests.
        let retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let store: object_store::Result<Arc<dyn ObjectStore>> = match scheme {
            Scheme::Azure => MicrosoftAzureBuilder::from_env()
                .with_container_name(name)
                .with_retry(retry)
                .with_http_connector(connector)
                .build()
                .map(|store| Arc::new(store) as _),
            Scheme::Google => GoogleCloudStorageBuilder::from_env()
                .with_bucket_name(name)
                .with_retry(retry)
                .with_http_connector(connector)
                .build()
                .map(|store| Arc::new(store) as _),
            Scheme::Http | Scheme::Https | Scheme::S3 => amazon()?
                .with_bucket_name(name)
                .with_retry(retry)
                .with_http_connector(connector)
                .build()
                .map(|store| Arc::new(store) as _),
        };
        let store = store.map_err(|error| explained(&error, scheme))?;
        Ok(Self { store, scheme })
    }

    /// Returns the object with this key.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] for a key with empty parts, `.` or `..`.
    pub(super) fn object(&self, key: &str) -> io::Result<Stored> {
        let key = parsed(key)?;
        Ok(Stored { store: Arc::clone(&self.store), scheme: self.scheme, key })
    }

    /// Returns all objects and folders of a folder.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub(super) fn list(&self, prefix: &str) -> io::Result<List> {
        let prefix = parsed(prefix)?;
        let list = completed(self.store.list_with_delimiter(Some(&prefix)));
        let list = list.map_err(|error| explained(&error, self.scheme))?;
        // Consoles mark a folder with an empty object, whose key ends with the slash.
        let objects = list.objects.into_iter().filter(|meta| meta.location != prefix);
        let object = |meta: ObjectMeta| (meta.location.as_ref().to_owned(), meta.size);
        Ok(List {
            objects: objects.map(object).collect(),
            folders: list.common_prefixes.iter().map(|prefix| prefix.as_ref().to_owned()).collect(),
        })
    }
}

impl Object for Stored {
    fn part(&self, range: Range<u64>) -> io::Result<Option<Part>> {
        let is_first = range.start == 0;
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let read = async {
            let result = self.store.get_opts(&self.key, options).await?;
            let version = version(&result.meta);
            Ok(Part { bytes: Box::new(result.bytes().await?), version })
        };
        let error = match completed(read) {
            Ok(part) => return Ok(Some(part)),
            Err(error) => error,
        };
        let explained = explained(&error, self.scheme);
        // An empty object has no range.
        if is_first
            && ContentError::of(&explained).is_none()
            && matches!(error, object_store::Error::Generic { .. })
            && let Ok(meta) = completed(self.store.head(&self.key))
            && meta.size == 0
        {
            return Ok(Some(Part { bytes: Box::new([]), version: version(&meta) }));
        }
        Err(explained)
    }

    fn whole(&self) -> io::Result<Whole> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

fn parsed(key: &str) -> io::Result<Key> {
    Key::parse(key).map_err(|_| {
        let message = "a key with an empty part, with . or with .. cannot be read";
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })
}

fn version(meta: &ObjectMeta) -> Version {
    Version { len: Some(meta.size), tag: meta.e_tag.clone() }
}

/// Returns the settings for Amazon S3 and compatible stores: those of the environment, then those of
/// a profile.
fn amazon() -> io::Result<AmazonS3Builder> {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let profile = Profile::read()?;
    let mut builder = AmazonS3Builder::from_env();
    let mut set = |key, name| {
        if let Some(value) = profile.value(name) {
            builder = std::mem::take(&mut builder).with_config(key, value);
        }
    };
    if !is_set("AWS_REGION") && !is_set("AWS_DEFAULT_REGION") {
        set(AmazonS3ConfigKey::Region, "region");
    }
    if !is_set("AWS_ENDPOINT_URL") && !is_set("AWS_ENDPOINT") {
        set(AmazonS3ConfigKey::Endpoint, "endpoint_url");
    }
    let has_credentials = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_SKIP_SIGNATURE",
    ];
    if !has_credentials.into_iter().any(is_set) {
        if profile.needs_another_program() {
            let message = "the profile has no keys of its own; export them with `eval \"$(aws \
                           configure export-credentials --format env)\"`";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        set(AmazonS3ConfigKey::AccessKeyId, "aws_access_key_id");
        set(AmazonS3ConfigKey::SecretAccessKey, "aws_secret_access_key");
        set(AmazonS3ConfigKey::Token, "aws_session_token");
    }
    // `AWS_REGION` comes first, as in other programs.
    if let Some(region) = env::var("AWS_REGION").ok().filter(|region| !region.is_empty()) {
        builder = builder.with_region(region);
    }
    Ok(builder)
}

/// Returns a short form of a store's error, without the URL, which may be signed.
fn explained(error: &object_store::Error, scheme: Scheme) -> io::Error {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    let mut web = None;
    while let Some(source) = cause.source() {
        cause = source;
        web = web.or_else(|| cause.downcast_ref::<WebError>());
    }
    match web {
        Some(WebError::NoCredentials) => {
            return io::Error::new(io::ErrorKind::PermissionDenied, credentials(scheme));
        }
        Some(WebError::Unreachable(message)) => {
            return ContentError::Unreachable(message.clone()).into();
        }
        Some(WebError::Refused(message)) => return io::Error::other(message.clone()),
        None => {}
    }
    let text = cause.to_string();
    let said = words(&text);
    let or = |other: &str| if said.is_empty() { other.to_owned() } else { said.clone() };
    match error {
        object_store::Error::NotFound { .. } => {
            io::Error::new(io::ErrorKind::NotFound, or("no such object"))
        }
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => {
            io::Error::new(io::ErrorKind::PermissionDenied, or("access denied"))
        }
        object_store::Error::Precondition { .. } => ContentError::Changed.into(),
        _ if text.contains("region") && said.is_empty() => {
            io::Error::other("the bucket is in another region; set AWS_REGION")
        }
        _ => io::Error::other(or(&brief(&text))),
    }
}

/// Returns advice on credentials.
fn credentials(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Azure => {
            "no credentials; set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY or \
             AZURE_STORAGE_SAS_TOKEN, AZURE_USE_AZURE_CLI=true, or AZURE_SKIP_SIGNATURE=true for a \
             public container"
        }
        Scheme::Google => {
            "no credentials; set GOOGLE_APPLICATION_CREDENTIALS, use `gcloud auth \
             application-default login`, or set GOOGLE_SKIP_SIGNATURE=true for a public bucket"
        }
        Scheme::Http | Scheme::Https | Scheme::S3 => {
            "no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or \
             AWS_SKIP_SIGNATURE=true for a public bucket"
        }
    }
}
