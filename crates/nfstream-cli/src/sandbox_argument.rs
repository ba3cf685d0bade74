//! The option `--sandbox`.

use crate::error::Error;
use crate::flow_rules::Job;
use crate::input::Input;
use crate::sandbox::{Sandbox, SandboxError};

/// Option of the subcommands that read packets.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct SandboxArgs {
    /// Before reading the first packet, give up access to everything that is not already open:
    /// other files, the network, programs and processes (Linux 5.13 or later)
    #[arg(long)]
    sandbox: bool,
}

impl SandboxArgs {
    /// Checks that a destination in the network does not need what the sandbox denies.
    pub(crate) fn check_destination(self, has_destination: bool) -> Result<(), Error> {
        if self.sandbox && has_destination {
            let reason = "connects to another program; write a file or standard output";
            return Err(SandboxError::Conflict { option: "-o URL", reason }.into());
        }
        Ok(())
    }

    /// Checks that no port is to be opened, which the sandbox denies.
    pub(crate) fn check_metrics(self, has_metrics: bool) -> Result<(), Error> {
        if self.sandbox && has_metrics {
            let reason = "answers other programs";
            return Err(SandboxError::Conflict { option: "--metrics", reason }.into());
        }
        Ok(())
    }

    /// Prepares a sandbox if the option is given. From then on, `job` needs only its input from the
    /// system.
    pub(crate) fn prepare(self, job: &mut Job, input: &Input) -> Result<Option<Sandbox>, Error> {
        if !self.sandbox {
            return Ok(None);
        }
        if input.live.as_ref().is_some_and(|live| live.processes.is_some()) {
            let reason = "reads the files of other processes";
            let option = "--system-visibility-mode 1";
            return Err(SandboxError::Conflict { option, reason }.into());
        }
        if input.blocks.is_some() {
            let reason = "is read file by file";
            return Err(SandboxError::Conflict { option: "a folder of blocks", reason }.into());
        }
        if input.is_remote() {
            let reason = "is read over the network; copy the captures to this machine first";
            return Err(SandboxError::Conflict { option: "a URL", reason }.into());
        }
        job.settle_meters(input.bytes);
        job.load_dissector();
        Ok(Some(Sandbox::prepare()?))
    }
}
