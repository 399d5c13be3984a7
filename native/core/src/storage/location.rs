//! Where a table is, and whether it may be there.

use std::path::{Component, Path, PathBuf};

use url::Url;

use crate::error::{Error, Result};
use crate::generated::{EngineConfig, ErrorCode};

/// A place that passed [`Locations`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A canonical folder.
    Folder(PathBuf),
    /// A bucket and the key prefix of the table, without slashes at its ends.
    S3 { bucket: String, prefix: String },
}

impl Location {
    /// The URI that answers show.
    pub fn uri(&self) -> String {
        match self {
            Self::Folder(path) => match Url::from_file_path(path) {
                Ok(url) => url.to_string(),
                Err(()) => path.display().to_string(),
            },
            Self::S3 { bucket, prefix } => format!("s3://{bucket}/{prefix}"),
        }
    }
}

/// The folders, buckets and endpoints that tables may use: the warehouse and what the configuration adds.
#[derive(Debug)]
pub struct Locations {
    warehouse: PathBuf,
    allowed: Vec<Location>,
    endpoints: Vec<String>,
}

impl Locations {
    pub fn new(config: &EngineConfig) -> Result<Self> {
        let warehouse = canonical(Path::new(&config.warehouse)).map_err(|error| {
            let message = format!("The warehouse {} can't be used: {error}", config.warehouse);
            Error::new(ErrorCode::TableUnreadable, message)
        })?;
        let mut allowed = vec![Location::Folder(warehouse.clone())];
        for text in &config.locations {
            allowed.push(parse_allowed(text)?);
        }
        let endpoints = config.s3_endpoints.iter().map(|url| trim(url)).collect();
        Ok(Self {
            warehouse,
            allowed,
            endpoints,
        })
    }

    pub fn warehouse(&self) -> &Path {
        &self.warehouse
    }

    /// Finds the place that `uri` means, or refuses it: a folder (absolute, or relative to the warehouse), a
    /// `file://` URL or an `s3://` URI.
    pub fn resolve(&self, uri: &str) -> Result<Location> {
        refuse_unwritable(uri)?;
        let location = match Url::parse(uri) {
            Ok(url) if url.scheme() == "s3" => parse_s3(&url)?,
            Ok(url) if url.scheme() == "file" => {
                let path = url.to_file_path().map_err(|()| not_allowed(uri))?;
                self.folder(uri, &path)?
            }
            Ok(_) => return Err(not_allowed(uri)),
            Err(_) => self.folder(uri, Path::new(uri))?,
        };
        if self.allows(&location) {
            return Ok(location);
        }
        Err(not_allowed(uri))
    }

    /// The place that `uri` means, for a table that may not be there yet; a folder is made.
    pub fn create(&self, uri: &str) -> Result<Location> {
        refuse_unwritable(uri)?;
        if Url::parse(uri).is_ok() {
            return self.resolve(uri);
        }
        let path = self.warehouse.join(uri);
        let escapes = path.components().any(|part| part == Component::ParentDir);
        if escapes || !self.allows(&Location::Folder(path.clone())) {
            return Err(not_allowed(uri));
        }
        std::fs::create_dir_all(&path)?;
        self.resolve(uri)
    }

    /// Whether storage options may name this endpoint.
    pub fn allows_endpoint(&self, endpoint: &str) -> bool {
        self.endpoints.contains(&trim(endpoint))
    }

    /// Nothing is told about a path outside the allowed folders, not even whether it exists.
    fn folder(&self, uri: &str, path: &Path) -> Result<Location> {
        let path = self.warehouse.join(path);
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(not_allowed(uri));
        }
        match canonical(&path) {
            Ok(path) => Ok(Location::Folder(path)),
            Err(_) if self.allows(&Location::Folder(path)) => {
                let message = format!("There is no folder {uri}, or it can't be read");
                Err(Error::new(ErrorCode::TableUnreadable, message))
            }
            Err(_) => Err(not_allowed(uri)),
        }
    }

    fn allows(&self, location: &Location) -> bool {
        self.allowed.iter().any(|allowed| match (allowed, location) {
            (Location::Folder(outer), Location::Folder(inner)) => inner.starts_with(outer),
            (
                Location::S3 { bucket, prefix },
                Location::S3 {
                    bucket: wanted,
                    prefix: inner,
                },
            ) => bucket == wanted && Path::new(inner).starts_with(prefix),
            _ => false,
        })
    }
}

fn parse_allowed(text: &str) -> Result<Location> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "s3" => parse_s3(&url),
        _ => match canonical(Path::new(text)) {
            Ok(path) => Ok(Location::Folder(path)),
            Err(error) => {
                let message = format!("The allowed location {text} can't be used: {error}");
                Err(Error::new(ErrorCode::TableUnreadable, message))
            }
        },
    }
}

fn parse_s3(url: &Url) -> Result<Location> {
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.port().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    match url.host_str() {
        Some(bucket) if plain && !url.path().contains('%') => Ok(Location::S3 {
            bucket: bucket.to_owned(),
            prefix: url.path().trim_matches('/').to_owned(),
        }),
        _ => Err(not_allowed("the s3:// URI")),
    }
}

/// What is neither a URL nor a path that files can have: NUL ends paths, and `\` parts them elsewhere.
fn refuse_unwritable(uri: &str) -> Result<()> {
    let is_broken_url = uri.contains("://") && Url::parse(uri).is_err();
    match is_broken_url || uri.contains(['\0', '\\']) {
        true => Err(not_allowed(&uri.replace('\0', "\u{fffd}"))),
        false => Ok(()),
    }
}

/// A URI as it may be shown: without what may be a secret in it.
pub fn public_uri(uri: &str) -> String {
    match Url::parse(uri) {
        Ok(mut url) => {
            url.set_query(None);
            url.set_fragment(None);
            // A URL that can't have them has none.
            let _ = url.set_username("").and_then(|()| url.set_password(None));
            url.to_string()
        }
        Err(_) => uri
            .split_once("://")
            .map_or_else(|| uri.to_owned(), |(scheme, _)| format!("{scheme}://…")),
    }
}

fn not_allowed(uri: &str) -> Error {
    let uri = public_uri(uri);
    let message =
        format!("{uri} is outside the allowed locations: use the warehouse, or a prefix listed in LAKEGATE_LOCATIONS");
    Error::new(ErrorCode::LocationNotAllowed, message)
}

fn canonical(path: &Path) -> std::io::Result<PathBuf> {
    std::fs::canonicalize(path)
}

fn trim(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}
