//! `nfstream live`: captures from interfaces and writes the flow table until it is stopped.

use std::path::Path;

use nfstream::host::visible;

use super::flows::{self, Plan, TableArgs};
use crate::arguments::is_interface;
use crate::error::Error;
use crate::flow_rules::{OfInterfaces, SourceRules};
use crate::input::{Input, Live};
use crate::io::Io;
use crate::sandbox_argument::SandboxArgs;

/// Capture from network interfaces and write flows as they end
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Ctrl-C, SIGTERM or SIGHUP stops the capture; all flows so far are written. A second signal ends the
program at once. Capturing needs the capability CAP_NET_RAW.

Examples:
  sudo nfstream live eth0
  nfstream live eth0 eth1 --bpf-filter 'tcp port 443' -o flows.parquet --duration 3600
  nfstream live any --format jsonl --performance-report 10 | head")]
pub(crate) struct Args {
    /// Interfaces to capture from as one source; `any` for all of them
    #[arg(required = true, value_name = "IFACE")]
    interfaces: Vec<String>,

    #[command(flatten)]
    confinement: SandboxArgs,

    #[command(flatten)]
    rules: SourceRules<OfInterfaces>,

    #[command(flatten)]
    table: TableArgs,
}

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let Args { interfaces, confinement, rules, table } = args;
    let rules = rules.into_inner();
    let parameters = rules.parameters();
    let report = std::time::Duration::from_nanos(parameters.performance_report.nanos());
    let live = Live {
        options: parameters.live_options(),
        processes: parameters.process_polling(),
        report: Some(report).filter(|period| !period.is_zero()),
    };
    let is_file = |name: &&String| Path::new(name).is_file() && !is_interface(name);
    if let Some(name) = interfaces.iter().find(is_file) {
        return Err(Error::FileAsInterface { name: visible(name).into_owned() });
    }
    let input = Input::interfaces(&interfaces, live);
    let mut plan = Plan::new(|| Ok(input), false, &rules, table, io)?;
    plan.confine(confinement)?;
    flows::write(plan, io)
}
