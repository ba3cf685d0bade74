//! `nfstream live`: captures from interfaces and writes the flow table until it is stopped.

use clap::{ArgMatches, Command, FromArgMatches};
use nfstream::parameters::Topic;

use super::flows::{self, Plan, TableArgs};
use crate::error::Error;
use crate::flow_rules::FlowRules;
use crate::input::{Input, Live};
use crate::io::Io;
use crate::parameter_arguments;
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
    rules: LiveRules,

    #[command(flatten)]
    table: TableArgs,
}

/// Options of capturing and metering.
#[derive(Debug)]
struct LiveRules(FlowRules);

impl clap::Args for LiveRules {
    fn augment_args(command: Command) -> Command {
        <FlowRules as clap::Args>::augment_args(parameter_arguments::augment(
            command,
            Topic::Capture,
            "Capture",
        ))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for LiveRules {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut rules = FlowRules::from_arg_matches(matches)?;
        parameter_arguments::update(rules.parameters_mut(), matches, Topic::Capture)?;
        Ok(Self(rules))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub(super) fn run(args: Args, io: &mut Io<'_>) -> Result<(), Error> {
    let Args { interfaces, confinement, rules: LiveRules(rules), table } = args;
    let parameters = rules.parameters();
    let report = std::time::Duration::from_nanos(parameters.performance_report.nanos());
    let live = Live {
        options: parameters.live_options(),
        processes: parameters.process_polling(),
        report: Some(report).filter(|period| !period.is_zero()),
    };
    let input = Input::interfaces(&interfaces, live);
    let mut plan = Plan::new(|| Ok(input), false, &rules, table, io)?;
    plan.confine(confinement)?;
    flows::write(plan, io)
}
