//! Files of blocks: Arrow files in a folder for each shard, one for each piece of a stream.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{BinaryArray, Int32Array, Int64Array, RecordBatch};
use arrow_ipc::reader::FileReader;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use nfstream::pipeline::BlockSource;
use nfstream::sink::{self, Existing, Format, Rotation, Sink};
use nfstream::table::Provenance;
use nfstream::time::Timestamp;

use crate::error::Error;

/// Name of the folder of a shard, before its number.
const SHARD: &str = "shard=";
const EXTENSION: &str = "arrow";

/// Place of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) shard: u32,
    /// Number of the first file of its piece.
    pub(crate) file: u32,
    /// Number of the block in that file.
    pub(crate) block: u32,
}

/// File of blocks that is being written; it appears when it is complete.
pub(crate) struct BlockFile {
    schema: SchemaRef,
    sink: Box<dyn Sink>,
}

/// Blocks of a shard, read from its files in order.
pub(crate) struct StoredBlocks {
    files: std::vec::IntoIter<PathBuf>,
    open: Option<FileReader<BufReader<File>>>,
    /// Rows of the current batch that have not been returned, in reverse order.
    waiting: Vec<Vec<u8>>,
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Checks that `folder` holds no shards of a division into more than `shards`.
pub(crate) fn check_shards(folder: &Path, shards: NonZeroUsize) -> Result<(), Error> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders = entries.map(|entry| entry.path());
    match folders.find(|path| shard_of(path).is_some_and(|shard| shard >= shards.get())) {
        None => Ok(()),
        Some(path) => {
            let action = "belongs to a run with more shards; remove it, or write to another folder";
            Err(Error::Path { path, action, source: ErrorKind::AlreadyExists.into() })
        }
    }
}

/// Returns whether folders of shards are in `path`.
pub(crate) fn has_shards(path: &Path) -> bool {
    let mut entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.any(|entry| shard_of(&entry.path()).is_some())
}

/// Returns the number in the name of a shard's folder.
fn shard_of(path: &Path) -> Option<usize> {
    let name = path.components().next_back()?.as_os_str().to_str()?;
    name.strip_prefix(SHARD)?.parse().ok()
}

/// Returns the files of the blocks in the folder of a shard, in order, `None` if `path` is no such
/// folder.
pub(crate) fn of_shard(path: &Path) -> Option<Vec<PathBuf>> {
    shard_of(path)?;
    let files = fs::read_dir(path).ok()?.flatten().map(|entry| entry.path());
    let is_block = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        !name.starts_with('.') && name.ends_with(EXTENSION)
    };
    let mut files: Vec<_> = files.filter(is_block).collect();
    files.sort();
    (!files.is_empty()).then_some(files)
}

impl BlockFile {
    /// Begins the file of one piece in the folder of `shard`.
    pub(crate) fn create(
        folder: &Path,
        shard: usize,
        file: u32,
        existing: Existing,
    ) -> Result<Self, Error> {
        let folder = folder.join(format!("{SHARD}{shard}"));
        fs::create_dir_all(&folder).map_err(|source| {
            let action = "cannot create the folder";
            Error::Path { path: folder.clone(), action, source }
        })?;
        let path = folder.join(format!("{file:08}.{EXTENSION}"));
        let field = |name, kind| Field::new(name, kind, name == "settled");
        let provenance = Provenance::new(None);
        let schema = Arc::new(provenance.describe(Schema::new(vec![
            field("stream", DataType::Int32),
            field("shard", DataType::Int32),
            field("file", DataType::Int64),
            field("block", DataType::Int32),
            field("settled", DataType::Int64),
            field("data", DataType::Binary),
        ])));
        let format = Format::by_name("arrow").expect("it is registered");
        let mut sink = sink::files_at(&path, existing, format, Rotation::default());
        sink.open(&schema, &provenance)?;
        Ok(Self { schema, sink })
    }

    /// Appends a block.
    pub(crate) fn write(
        &mut self,
        row: Row,
        settled: Option<Timestamp>,
        data: &[u8],
    ) -> Result<(), Error> {
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let batch = RecordBatch::try_new(
            Arc::clone(&self.schema),
            vec![
                Arc::new(Int32Array::from(vec![0])),
                Arc::new(Int32Array::from(vec![number(row.shard)])),
                Arc::new(Int64Array::from(vec![i64::from(row.file)])),
                Arc::new(Int32Array::from(vec![number(row.block)])),
                Arc::new(Int64Array::from(vec![settled.map(Timestamp::nanos)])),
                Arc::new(BinaryArray::from_vec(vec![data])),
            ],
        );
        let batch = batch.map_err(nfstream::table::TableError::from)?;
        Ok(self.sink.write(&batch)?)
    }

    /// Completes the file.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.sink.finish()?;
        Ok(())
    }
}

impl StoredBlocks {
    pub(crate) fn new(files: Vec<PathBuf>) -> Self {
        Self { files: files.into_iter(), open: None, waiting: Vec::new() }
    }

    fn read(&mut self) -> Result<Option<Vec<u8>>, AnyError> {
        loop {
            if let Some(block) = self.waiting.pop() {
                return Ok(Some(block));
            }
            if let Some(batch) = self.open.as_mut().and_then(Iterator::next) {
                let batch = batch?;
                let column = batch.column_by_name("data").ok_or("no file of blocks")?;
                let data = column.as_binary_opt::<i32>().ok_or("no file of blocks")?;
                self.waiting = data.iter().rev().flatten().map(<[u8]>::to_vec).collect();
                continue;
            }
            let Some(path) = self.files.next() else { return Ok(None) };
            let open = || -> Result<_, AnyError> {
                Ok(FileReader::try_new(BufReader::new(File::open(&path)?), None)?)
            };
            let name = path.display();
            let named = |error| format!("{name}: no file of blocks that can be read: {error}");
            self.open = Some(open().map_err(named)?);
        }
    }
}

impl BlockSource for StoredBlocks {
    fn next_block(&mut self) -> Result<Option<Vec<u8>>, AnyError> {
        self.read()
    }
}
