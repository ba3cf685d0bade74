//! `nfstream blocks`: the first half of a run on several machines.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgMatches, Command, FromArgMatches};
use nfstream::RunError;
use nfstream::capture::{Files, Filtered, Listed, Source};
use nfstream::parameters::{Parameters, Topic};
use nfstream::pipeline::{BlockWriter, Cut, Piece};
use nfstream::sink::Existing;

use crate::block_files::{self, BlockFile};
use crate::error::{Error, WARNING};
use crate::input::InputArgs;
use crate::io::Io;
use crate::numbers::parse_whole;
use crate::parameter_arguments::{augment, of, of_packets, update};
use crate::progress::ProgressDisplay;

/// Divide the packets of captures among shards, which several machines can meter
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nfstream blocks captures/ --shards 8 -o blocks
  nfstream flows blocks/shard=3 -o flows-3.parquet
  nfstream blocks s3://bucket/captures/ --shards 8 -o blocks
  nfstream blocks captures/ --shards 64 -o blocks --task $SLURM_ARRAY_TASK_ID/100")]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,

    /// Number of shards, each a folder of DIR for one call of nfstream flows
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = parse_whole::<NonZeroUsize, 1>)]
    shards: NonZeroUsize,

    /// Write to folders in DIR: shard=0, shard=1, and so on
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,

    /// Read only part I of N of the captures, from 0 on: N calls with the same arguments write all
    /// blocks
    #[arg(long, value_name = "I/N", value_parser = parse_part, default_value = "0/1")]
    task: Part,

    /// Bytes of consecutive captures that are read together
    #[arg(long, value_name = "N", default_value = "67108864", allow_negative_numbers = true)]
    #[arg(value_parser = parse_whole::<u64, 0>)]
    task_bytes: u64,

    /// Replace files that exist
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    rules: PacketRules,
}

/// Parameters of files and packets.
#[derive(Clone, Debug)]
struct PacketRules(Parameters);

impl clap::Args for PacketRules {
    fn augment_args(command: Command) -> Command {
        let command = augment(command, of(Topic::Files), "Files");
        augment(command, of_packets(), "Packets")
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for PacketRules {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut rules = Self(Parameters::default());
        rules.update_from_arg_matches(matches)?;
        Ok(rules)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        update(&mut self.0, matches, of(Topic::Files).chain(of_packets()))
    }
}

/// Part of the work.
#[derive(Clone, Copy, Debug)]
struct Part {
    number: usize,
    of: usize,
}

fn parse_part(text: &str) -> Result<Part, String> {
    let parts = text
        .split_once('/')
        .and_then(|(number, of)| Some(Part { number: number.parse().ok()?, of: of.parse().ok()? }));
    parts
        .filter(|part| part.number < part.of)
        .ok_or_else(|| "must be two whole numbers such as 0/100, the first one smaller".to_owned())
}

impl Part {
    /// Returns whether the piece with this number, of `pieces`, belongs to the part.
    fn has(self, piece: usize, pieces: usize) -> bool {
        let start = |number: usize| pieces.saturating_mul(number) / self.of;
        (start(self.number)..start(self.number + 1)).contains(&piece)
    }
}

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let Args { input, shards, output, task, task_bytes, force, rules } = args;
    let PacketRules(parameters) = rules;
    let options = parameters.file_options();
    let input = input.find(options)?;
    let (files, warnings) = input.listed()?;
    for warning in warnings {
        io.stderr.say_as(WARNING, "warning:", warning);
    }
    let config = parameters.config(input.bytes);
    let cuts = Cut::pieces(&files, task_bytes, BlockWriter::look_back(&config), options.order);
    block_files::check_shards(&output, shards)?;
    let existing = if force { Existing::Replace } else { Existing::Keep };
    let open = |files: &[Listed]| -> Result<Box<dyn Source>, RunError> {
        let source = Files::of_list(files.iter().cloned(), options)?.open();
        Ok(match parameters.bpf_filter.clone() {
            None => Box::new(source),
            Some(filter) => Box::new(Filtered::new(source, filter)),
        })
    };
    let mut damaged = 0;
    let of_part = cuts.iter().enumerate().filter(|(piece, _)| task.has(*piece, cuts.len()));
    let progress = ProgressDisplay::new(None, io);
    for (number, cut) in of_part {
        let slice = |range: std::ops::Range<usize>| files.get(range).unwrap_or_default();
        let of_piece = slice(cut.files.clone());
        let earlier = slice(cut.earlier.clone());
        let next = cut.next.and_then(|next| files.get(next));
        let piece = Piece {
            stream: 0,
            number: whole(number),
            pieces: whole(cuts.len()),
            file: whole(cut.files.start),
            last: of_piece.last().map(|file| file.path.clone()).unwrap_or_default(),
            next: next.and_then(|file| Some((file.path.clone(), file.start?))),
        };
        let earlier = (!earlier.is_empty()).then(|| open(earlier)).transpose()?;
        let mut writer =
            BlockWriter::new(open(of_piece)?, earlier, piece.clone(), shards, &config)?;
        let mut sinks = (0..shards.get())
            .map(|shard| BlockFile::create(&output, shard, piece.file, existing))
            .collect::<Result<Vec<_>, _>>()?;
        let mut block = 0;
        while let Some(blocks) = writer.next_blocks()? {
            if (io.interrupted)() {
                return Err(Error::Interrupted(crate::error::Written::NoFile(output)));
            }
            for (shard, (sink, data)) in sinks.iter_mut().zip(&blocks).enumerate() {
                let place = block_files::Row { shard: whole(shard), file: piece.file, block };
                sink.write(place, writer.time(), data)?;
            }
            block += 1;
        }
        for sink in sinks {
            sink.finish()?;
        }
        for warning in writer.take_warnings() {
            damaged += u64::from(warning.is_damage());
            progress.aside(|| io.stderr.say_as(WARNING, "warning:", warning));
        }
    }
    drop(progress);
    if damaged > 0 { Err(Error::Incomplete { files: damaged }) } else { Ok(()) }
}

fn whole(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_belongs_to_one_part() {
        for (pieces, of) in [(0, 1), (1, 3), (10, 3), (3, 10), (100, 7)] {
            for piece in 0..pieces {
                let parts =
                    (0..of).filter(|number| Part { number: *number, of }.has(piece, pieces));
                assert_eq!(parts.count(), 1, "piece {piece} of {pieces}, {of} parts");
            }
        }
    }

    #[test]
    fn parts_are_numbered_from_zero() {
        assert!(parse_part("99/100").is_ok());
        for wrong in ["100/100", "1", "a/b", "-1/4", "0/0"] {
            assert!(parse_part(wrong).is_err(), "{wrong}");
        }
    }
}
