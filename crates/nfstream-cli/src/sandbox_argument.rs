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
        job.settle_meters(input.bytes);
        job.load_dissector();
        Ok(Some(Sandbox::prepare()?))
    }
}
