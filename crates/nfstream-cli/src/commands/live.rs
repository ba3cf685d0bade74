//! `nfstream live`: the flow table of what passes network interfaces, until it is ended.

use clap::builder::RangedU64ValueParser;
use nfstream::capture::LiveOptions;
use nfstream::time::Duration;

use super::flows::{self, Plan, TableArgs};
use crate::error::Error;
use crate::flow_rules::{FlowRules, seconds};
use crate::input::{Input, Live};
use crate::io::Io;

/// Write the flows of network interfaces as they end
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Ctrl-C or SIGTERM ends the capture; packets captured by then are in flows that are written. A
second one ends the program at once. Capturing needs the right CAP_NET_RAW.

Examples:
  sudo nfstream live eth0
  nfstream live eth0 eth1 --bpf-filter 'tcp port 443' -o flows.parquet --duration 3600
  nfstream live any --format jsonl --performance-report 10 | head")]
pub(crate) struct LiveArgs {
    /// Interfaces to capture from together; `any`: all of them
    #[arg(required = true, value_name = "IFACE")]
    interfaces: Vec<String>,

    #[command(flatten)]
    capture: CaptureArgs,

    #[command(flatten)]
    rules: FlowRules,

    #[command(flatten)]
    table: TableArgs,
}

/// Options that say how packets are captured.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Capture")]
struct CaptureArgs {
    /// Capture at most N bytes of each packet
    #[arg(long, value_name = "N", default_value_t = LiveOptions::default().snaplen)]
    #[arg(value_parser = RangedU64ValueParser::<u32>::new().range(1..))]
    snaplen: u32,

    /// Do not ask the interfaces for packets to other machines
    #[arg(long)]
    no_promiscuous_mode: bool,

    /// Bytes in which the kernel keeps packets until they are read
    #[arg(long, value_name = "BYTES", default_value_t = LiveOptions::default().buffer_bytes)]
    socket_buffer_size: usize,

    /// End after S seconds
    #[arg(long, value_name = "S", value_parser = seconds, allow_hyphen_values = true)]
    duration: Option<Duration>,

    /// Tell the processes of this machine to which flows belong: 0 no, 1 in the columns of the
    /// group system_process
    #[arg(long, value_name = "0-1", default_value_t = 0)]
    #[arg(value_parser = RangedU64ValueParser::<u8>::new().range(0..=1))]
    system_visibility_mode: u8,

    /// Look each MS milliseconds which processes have sockets
    #[arg(long, value_name = "MS", default_value_t = 100)]
    #[arg(value_parser = RangedU64ValueParser::<u64>::new().range(1..=3_600_000))]
    system_visibility_poll_ms: u64,

    /// Tell counts and rates on standard error each S seconds; 0: never
    #[arg(long, value_name = "S", default_value = "0", value_parser = seconds)]
    #[arg(allow_hyphen_values = true)]
    performance_report: Duration,
}

pub(super) fn run(args: LiveArgs, io: &mut Io<'_>) -> Result<(), Error> {
    let LiveArgs { interfaces, capture, rules, table } = args;
    let live = Live {
        options: LiveOptions {
            snaplen: capture.snaplen,
            promiscuous: !capture.no_promiscuous_mode,
            buffer_bytes: capture.socket_buffer_size,
            duration: capture.duration.map(standard),
        },
        processes: (capture.system_visibility_mode == 1)
            .then(|| std::time::Duration::from_millis(capture.system_visibility_poll_ms)),
        report: Some(standard(capture.performance_report)).filter(|period| !period.is_zero()),
    };
    let input = Input::interfaces(&interfaces, live);
    flows::write(&Plan::new(|| Ok(input), false, &rules, table, io)?, io)
}

fn standard(span: Duration) -> std::time::Duration {
    std::time::Duration::from_nanos(span.nanos())
}
