//! Capture on another machine, as bytes that can be read repeatedly.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::super::content::{Content, ContentError};
use super::super::stop::StopFlag;
use super::super::url::Url;
use super::ahead::{Ahead, awaited, spawned, started};
use super::object::{Bytes, FIRST, Object, Shared, Version, Whole, complete};

/// Bytes of a block of a whole object.
const BLOCK: usize = 128 << 10;
/// Blocks that a thread reads ahead.
const BLOCKS: usize = 8;

/// Capture on another machine.
#[derive(Debug)]
pub(super) struct Remote<O>(Arc<Shared<O>>, PathBuf);

/// First bytes of an object.
enum Beginning {
    Part(Bytes),
    Whole(Box<dyn Read + Send>),
}

impl<O: Object> Remote<O> {
    /// Returns the capture `object` at `url`, which has `len` bytes if that is known.
    pub(super) fn new(object: O, url: &Url, len: Option<u64>) -> Self {
        Self(Arc::new(Shared::new(object, Version { len, tag: None })), url.address())
    }
}

/// Requests the first bytes of an object.
fn begin<O: Object>(shared: &Shared<O>) -> io::Result<Beginning> {
    if shared.known().version.len == Some(0) {
        return Ok(Beginning::Part(Box::new([])));
    }
    if let Some(part) = shared.object.part(0..FIRST)? {
        shared.check(&part.version)?;
        let len = shared.len().min(FIRST);
        return complete(part.bytes, len).map(Beginning::Part);
    }
    let Whole { reader, version } = shared.object.whole()?;
    shared.check(&version)?;
    Ok(Beginning::Whole(Box::new(Exact { reader, rest: version.len })))
}

impl<O: Object> Content for Remote<O> {
    fn open(&self, stop: &StopFlag) -> io::Result<Box<dyn Read + Send>> {
        let first = self.0.known().first.take();
        let beginning = if let Some(first) = first {
            Beginning::Part(first)
        } else {
            let shared = Arc::clone(&self.0);
            let Some(beginning) = awaited(&started(move || begin(&shared)), stop)? else {
                return Ok(Box::new(io::empty()));
            };
            beginning
        };
        Ok(match beginning {
            Beginning::Part(first) => Box::new(Ahead::new(Arc::clone(&self.0), first, stop)),
            Beginning::Whole(reader) => Box::new(Blocks::new(reader, stop)),
        })
    }

    fn size(&self) -> io::Result<Option<u64>> {
        if !self.0.known().is_described
            && let Beginning::Part(first) = begin(&self.0)?
        {
            self.0.known().first = Some(first);
        }
        Ok(self.0.known().version.len)
    }

    fn address(&self) -> Option<&Path> {
        Some(&self.1)
    }
}

/// Reader of a whole object, which a thread reads ahead.
struct Blocks {
    /// `None` after the last one.
    blocks: Option<Receiver<io::Result<Vec<u8>>>>,
    stop: StopFlag,
    /// Block that is being read, and the position in it.
    current: Vec<u8>,
    position: usize,
}

impl Blocks {
    fn new(mut reader: Box<dyn Read + Send>, stop: &StopFlag) -> Self {
        let blocks = spawned(BLOCKS, move |sender| {
            loop {
                let mut block = vec![0; BLOCK];
                let result = reader.read(&mut block).map(|count| {
                    block.truncate(count);
                    block
                });
                let is_last = result
                    .as_ref()
                    .map_or_else(|error| error.kind() != io::ErrorKind::Interrupted, Vec::is_empty);
                if sender.send(result).is_err() || is_last {
                    break;
                }
            }
        });
        Self { blocks: Some(blocks), stop: stop.clone(), current: Vec::new(), position: 0 }
    }
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut rest = self.current.get(self.position..).unwrap_or_default();
        if rest.is_empty() && !buffer.is_empty() {
            let Some(blocks) = &self.blocks else { return Ok(0) };
            self.current = awaited(blocks, &self.stop)?.unwrap_or_default();
            self.position = 0;
            if self.current.is_empty() {
                self.blocks = None;
            }
            rest = &self.current;
        }
        let count = rest.read(buffer)?;
        self.position += count;
        Ok(count)
    }
}

/// Reader of a whole object, which must not end early.
struct Exact {
    reader: Box<dyn Read + Send>,
    /// Bytes that must follow, if their number is known.
    rest: Option<u64>,
}

impl Read for Exact {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let unreachable = |message: String| ContentError::Unreachable(message).into();
        let count = match self.reader.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(unreachable(error.to_string()));
            }
            result => result?,
        };
        let read = u64::try_from(count).unwrap_or(u64::MAX);
        match self.rest {
            Some(rest) if count == 0 && rest > 0 && !buffer.is_empty() => {
                return Err(unreachable(format!("the last {rest} bytes did not arrive")));
            }
            rest => self.rest = rest.map(|rest| rest.saturating_sub(read)),
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::super::super::outcome::Failure;
    use super::super::object::Part;
    use super::*;

    /// Bytes with a number as their version, which may change during reading.
    #[derive(Default)]
    struct Sample {
        bytes: Vec<u8>,
        parts: AtomicUsize,
        /// First part of another version.
        changes_at: Option<usize>,
        /// First part for which the server is gone.
        is_gone_at: Option<usize>,
        /// Part that is too short.
        is_short_at: Option<usize>,
        /// First part that does not arrive.
        is_silent_at: Option<usize>,
        sends_whole: bool,
    }

    impl Object for Arc<Sample> {
        fn part(&self, range: Range<u64>) -> io::Result<Option<Part>> {
            let number = self.parts.fetch_add(1, Ordering::SeqCst);
            let is_from = |from: Option<usize>| from.is_some_and(|from| number >= from);
            if self.sends_whole {
                return Ok(None);
            }
            if is_from(self.is_gone_at) {
                return Err(ContentError::Unreachable("gone".to_owned()).into());
            }
            if is_from(self.is_silent_at) {
                thread::sleep(Duration::from_secs(60));
            }
            let index = |offset: u64| usize::try_from(offset).unwrap().min(self.bytes.len());
            let mut bytes = self.bytes[index(range.start)..index(range.end)].to_vec();
            if is_from(self.is_short_at) {
                bytes.pop();
            }
            let tag = Some(is_from(self.changes_at).to_string());
            let version = Version { len: u64::try_from(self.bytes.len()).ok(), tag };
            Ok(Some(Part { bytes: Box::new(bytes), version }))
        }

        fn whole(&self) -> io::Result<Whole> {
            let len = u64::try_from(self.bytes.len()).unwrap();
            let rest = self.bytes.len() - usize::from(self.is_short_at.is_some());
            let reader = Box::new(io::Cursor::new(self.bytes[..rest].to_vec()));
            Ok(Whole { reader, version: Version { len: Some(len), tag: None } })
        }
    }

    fn bytes() -> Vec<u8> {
        (0..9_000_000_u32)
            .map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0])
            .collect()
    }

    fn remote(sample: &Arc<Sample>) -> Remote<Arc<Sample>> {
        let url = Url::read(Path::new("s3://bucket/key")).unwrap().unwrap();
        Remote::new(Arc::clone(sample), &url, None)
    }

    fn read(sample: Sample) -> Result<Vec<u8>, Failure> {
        let mut read = Vec::new();
        let mut reader = remote(&Arc::new(sample)).open(&StopFlag::default())?;
        reader.read_to_end(&mut read)?;
        assert_eq!(reader.read(&mut [0; 8])?, 0, "the end stays the end");
        Ok(read)
    }

    #[test]
    fn all_bytes_are_read_in_order() {
        let whole = bytes();
        for len in [0, 1, 65_535, 65_536, 65_537, 200_000, whole.len()] {
            let part = whole[..len].to_vec();
            for sends_whole in [false, true] {
                let sample = Sample { bytes: part.clone(), sends_whole, ..Sample::default() };
                assert!(read(sample).unwrap() == part, "{len} bytes");
            }
        }
    }

    #[test]
    fn the_start_is_requested_once_for_size_and_first_reader() {
        let sample = Arc::new(Sample { bytes: bytes(), ..Sample::default() });
        let remote = remote(&sample);
        assert_eq!(remote.size().unwrap(), Some(9_000_000));
        let mut start = [0; 1000];
        remote.open(&StopFlag::default()).unwrap().read_exact(&mut start).unwrap();
        assert_eq!(sample.parts.load(Ordering::SeqCst), 1);
        assert_eq!(start, sample.bytes[..1000]);
    }

    #[test]
    fn an_object_that_is_overwritten_has_changed() {
        for changes_at in [1, 3, 7] {
            let sample =
                Sample { bytes: bytes(), changes_at: Some(changes_at), ..Sample::default() };
            assert!(matches!(read(sample), Err(Failure::Changed)), "{changes_at}");
        }
        let sample = Arc::new(Sample { bytes: bytes(), changes_at: Some(1), ..Sample::default() });
        let remote = remote(&sample);
        remote.size().unwrap();
        drop(remote.open(&StopFlag::default()).unwrap());
        assert!(matches!(
            remote.open(&StopFlag::default()).map(drop).map_err(Failure::from),
            Err(Failure::Changed)
        ));
    }

    #[test]
    fn an_object_of_another_length_than_planned_has_changed() {
        let sample = Arc::new(Sample { bytes: bytes(), ..Sample::default() });
        let url = Url::read(Path::new("s3://bucket/key")).unwrap().unwrap();
        let remote = Remote::new(sample, &url, Some(7));
        assert_eq!(remote.size().unwrap(), Some(7));
        assert!(matches!(
            remote.open(&StopFlag::default()).map(drop).map_err(Failure::from),
            Err(Failure::Changed)
        ));
    }

    #[test]
    fn a_server_that_goes_ends_everything() {
        for sample in [
            Sample { bytes: bytes(), is_gone_at: Some(4), ..Sample::default() },
            Sample { bytes: bytes(), is_short_at: Some(4), ..Sample::default() },
            Sample { bytes: bytes(), is_short_at: Some(0), sends_whole: true, ..Sample::default() },
        ] {
            let failure = read(sample).unwrap_err();
            assert!(failure.ends_all(), "{failure:?}");
        }
    }

    #[test]
    fn a_reader_that_is_stopped_does_not_wait_for_a_silent_server() {
        for is_silent_at in [0, 1, 4] {
            let whole = bytes();
            let sample = Sample {
                bytes: whole.clone(),
                is_silent_at: Some(is_silent_at),
                ..Sample::default()
            };
            let stop = StopFlag::default();
            let reading = thread::spawn({
                let stop = stop.clone();
                move || {
                    let mut read = Vec::new();
                    let mut reader = remote(&Arc::new(sample)).open(&stop).unwrap();
                    reader.read_to_end(&mut read).unwrap();
                    assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
                    read
                }
            });
            thread::sleep(Duration::from_millis(10));
            stop.set();
            let read = reading.join().unwrap();
            assert!(whole.starts_with(&read) && read.len() < whole.len(), "{is_silent_at}");
        }
    }
}
