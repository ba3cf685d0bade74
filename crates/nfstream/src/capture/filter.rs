//! Packet filters in libpcap's language, and a source that keeps only matching packets.

use nfstream_sys::{FilterError, FilterInstruction, compile_filter};

use super::bpf::{Instruction, Program};
use super::{CaptureError, ReadProgress, Reception, Source, StopFlag, Warning};
use crate::packet::{Chunk, LinkType};

/// An expression of libpcap's filter language (pcap-filter(7)).
///
/// Its meaning depends on the link type, so libpcap compiles it for each one on first use.
#[derive(Clone, Debug)]
pub struct Filter {
    expression: String,
    programs: Vec<(LinkType, Program)>,
    /// Frame with the loopback header that this system would have written.
    translated: Vec<u8>,
}

/// Most clauses of an expression, counting those joined by `and` and `or`. libpcap's compile time
/// grows with the square of their number, and nothing can interrupt it.
const MOST_CLAUSES: usize = 200;
/// Length of the longest expression in bytes.
const LONGEST: usize = 16 << 10;
/// Length of the longest program that libpcap optimizes, in instructions. Optimizing takes much
/// longer than compiling.
const MOST_OPTIMIZED: usize = 3000;

/// Source that keeps only the packets that match a filter.
#[derive(Debug)]
pub struct Filtered<S> {
    source: S,
    filter: Filter,
    /// Error that ended reading, returned after the packets before it.
    failure: Option<CaptureError>,
    has_failed: bool,
}

impl Filter {
    /// Returns the filter that `expression` describes.
    ///
    /// # Errors
    ///
    /// [`CaptureError::BadFilter`] if it compiles neither for Ethernet nor for any other link type,
    /// or has more than 200 clauses or 16 KiB, and [`CaptureError::NoLibpcap`].
    pub fn new(expression: &str) -> Result<Self, CaptureError> {
        let mut filter = Self {
            expression: expression.to_owned(),
            programs: Vec::new(),
            translated: Vec::new(),
        };
        if let Some(reason) = too_large(expression) {
            return Err(filter.bad(LinkType::ETHERNET, reason));
        }
        if let Err(error) = filter.program(LinkType::ETHERNET) {
            let mut others = [LinkType::IEEE802_11, LinkType::LINUX_SLL, LinkType::PPP].into_iter();
            if !others.any(|link| filter.program(link).is_ok()) {
                return Err(error);
            }
        }
        Ok(filter)
    }

    /// Returns whether a frame of type `link` matches.
    ///
    /// # Errors
    ///
    /// [`CaptureError::BadFilter`] if the expression is invalid for this link type.
    pub fn matches(
        &mut self,
        link: LinkType,
        frame: &[u8],
        wire_len: u32,
    ) -> Result<bool, CaptureError> {
        // The address family has the byte order of the capturing machine; libpcap compiles for the
        // order of this machine or of the network.
        let link = match (link, frame) {
            (LinkType::NULL, [0, 0, ..]) => LinkType::LOOP,
            _ => link,
        };
        // libpcap cannot compile for most unsupported link types, whose frames are ignored anyway.
        if !link.is_supported() {
            return Ok(true);
        }
        let Some(header) = translated(link, frame) else {
            return Ok(self.program(link)?.run(frame, wire_len) != 0);
        };
        let mut here = std::mem::take(&mut self.translated);
        here.clear();
        here.extend(header);
        here.extend(frame.iter().skip(header.len()));
        let matches = self.program(link).map(|program| program.run(&here, wire_len) != 0);
        self.translated = here;
        matches
    }

    /// Returns the expression.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// Returns the program for frames of type `link`, compiled at its first use.
    pub(super) fn program(&mut self, link: LinkType) -> Result<&Program, CaptureError> {
        let known = self.programs.iter().position(|(of, _)| *of == link);
        let place = match known {
            Some(place) => place,
            None => {
                self.programs.push((link, self.compile(link)?));
                self.programs.len() - 1
            }
        };
        Ok(&self.programs[place].1)
    }

    fn compile(&self, link: LinkType) -> Result<Program, CaptureError> {
        // libpcap uses the system's numbers, which differ for some old link types.
        let number = match link {
            LinkType::RAW | LinkType::RAW_OPENBSD => LinkType::RAW_DLT.0,
            LinkType::ATM_RFC1483 => LinkType::ATM_RFC1483_DLT.0,
            LinkType::SLIP_BSDOS => 15,
            LinkType::PPP_BSDOS => 16,
            LinkType::ATM_CLIP => 19,
            LinkType(number) => number,
        };
        let compile = |optimizes| {
            compile_filter(number, &self.expression, optimizes).map_err(|error| match error {
                FilterError::Invalid(message) => self.bad(link, message),
                FilterError::NoLibpcap => {
                    CaptureError::NoLibpcap { expression: self.expression.clone() }
                }
            })
        };
        let mut compiled = compile(false)?;
        if compiled.len() <= MOST_OPTIMIZED {
            compiled = compile(true)?;
        }
        let instructions = compiled
            .into_iter()
            .map(|FilterInstruction { code, jt, jf, k }| Instruction { code, jt, jf, k });
        Program::new(instructions.collect())
            .ok_or_else(|| self.bad(link, "its program has unknown instructions".to_owned()))
    }

    fn bad(&self, link: LinkType, message: String) -> CaptureError {
        CaptureError::BadFilter { expression: self.expression.clone(), link, message }
    }
}

impl<S: Source> Filtered<S> {
    /// Returns the packets of `source` that match `filter`.
    pub fn new(source: S, filter: Filter) -> Self {
        Self { source, filter, failure: None, has_failed: false }
    }

    /// Removes the packets that do not match from `chunk`.
    fn keep_matches(&mut self, chunk: &mut Chunk) {
        let Self { filter, failure, .. } = self;
        let frames = chunk.bytes.as_slice();
        let mut filtered = 0;
        chunk.records.retain(|record| {
            if failure.is_some() {
                return false;
            }
            let frame = record.frame(frames);
            match filter.matches(record.link, frame, record.wire_len) {
                Ok(matches) => {
                    filtered += u64::from(!matches);
                    matches
                }
                Err(error) => {
                    *failure = Some(error);
                    false
                }
            }
        });
        chunk.filtered += filtered;
    }
}

impl<S: Source> Source for Filtered<S> {
    fn read(&mut self, chunk: &mut Chunk, limit: usize) -> Result<bool, CaptureError> {
        if let Some(failure) = self.failure.take() {
            chunk.clear();
            self.has_failed = true;
            return Err(failure);
        }
        if self.has_failed || !self.source.read(chunk, limit)? {
            return Ok(false);
        }
        self.keep_matches(chunk);
        Ok(true)
    }

    fn stop_with(&mut self, stop: &StopFlag) {
        self.source.stop_with(stop);
    }

    fn stop(&mut self) -> bool {
        self.source.stop()
    }

    fn reception(&self) -> Option<Reception> {
        self.source.reception()
    }

    fn may_wait(&self) -> bool {
        self.source.may_wait()
    }

    fn progress(&self) -> ReadProgress {
        self.source.progress()
    }

    fn take_warnings(&mut self) -> Vec<Warning> {
        self.source.take_warnings()
    }
}

/// Returns the reason why compiling an expression would take too long, `None` if it would not.
fn too_large(expression: &str) -> Option<String> {
    if expression.len() > LONGEST {
        return Some(format!("it has {} bytes, more than {LONGEST}", expression.len()));
    }
    let words = expression.split(|c: char| c.is_whitespace() || "()".contains(c));
    let symbols = expression.matches("&&").count() + expression.matches("||").count();
    let clauses = 1 + symbols + words.filter(|word| matches!(*word, "and" | "or")).count();
    (clauses > MOST_CLAUSES).then(|| format!("it has {clauses} clauses, more than {MOST_CLAUSES}"))
}

/// Returns this system's header for loopback frames that hold IPv6 and come from another system:
/// libpcap compiles for this system's number of IPv6.
fn translated(link: LinkType, frame: &[u8]) -> Option<[u8; 4]> {
    /// BSD and Windows, FreeBSD, macOS.
    const FOREIGN: [u32; 4] = [23, 24, 28, 30];
    const LINUX: u32 = 10;

    let family = *frame.first_chunk()?;
    match link {
        LinkType::NULL if FOREIGN.contains(&u32::from_le_bytes(family)) => {
            Some(LINUX.to_le_bytes())
        }
        LinkType::LOOP if FOREIGN.contains(&u32::from_be_bytes(family)) => {
            Some(LINUX.to_be_bytes())
        }
        _ => None,
    }
}
