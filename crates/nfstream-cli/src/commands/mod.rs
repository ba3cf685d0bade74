//! Subcommands: one file each, and their registry.
//!
//! A new subcommand is a file in this folder and a line in the registry below. The file holds
//! `Args`, its arguments with their help, and `run`, which carries them out. Help, completions,
//! manual pages and `docs/cli.md` follow.

use nfstream::host::is_control;
use serde_json::Value;

use crate::error::Error;
use crate::io::Io;

/// Declares the subcommands, in the order of the help.
///
/// Each line gives the name of a subcommand and its module.
macro_rules! registry {
    ($($(#[$meta:meta])* $command:ident: $module:ident,)*) => {
        $($(#[$meta])* mod $module;)*

        /// Subcommand with its arguments.
        #[derive(Debug, clap::Subcommand)]
        pub(crate) enum Command {
            $($(#[$meta])* $command(Box<$module::Args>),)*
        }

        impl Command {
            /// Carries out the subcommand.
            pub(crate) fn run(self, io: &mut Io<'_>) -> Result<(), Error> {
                match self { $($(#[$meta])* Self::$command(args) => $module::run(*args, io),)* }
            }
        }

        #[cfg(test)]
        const MODULES: &[&str] = &[$($(#[$meta])* stringify!($module)),*];
    };
}

registry! {
    Flows: flows,
    Blocks: blocks,
    Live: live,
    #[cfg(feature = "top")]
    Top: top,
    Interfaces: interfaces,
    Summary: summary,
    Report: report,
    Extract: extract,
    Columns: columns,
    Protocols: protocols,
    Completions: completions,
    Man: man,
}

/// Writes data to standard output.
fn print(data: &[u8], io: &mut Io<'_>) -> Result<(), Error> {
    let written = io.stdout.writer.write_all(data).and_then(|()| io.stdout.writer.flush());
    written.map_err(Error::stdout)
}

/// Prints JSON with escapes in place of characters that control a terminal; only strings can
/// contain them.
fn print_json(value: &Value, io: &mut Io<'_>) -> Result<(), Error> {
    let json = format!("{value:#}\n");
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if is_control(character) && character != '\n' {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    print(escaped.as_bytes(), io)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::MODULES;
    use crate::arguments;

    #[test]
    fn every_file_of_the_folder_is_registered() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands");
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let names = paths.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
        let is_built = |name: &String| cfg!(feature = "top") || name != "top";
        let names = names.filter(is_built);
        let mut files: Vec<_> = names.filter(|name| name != "mod").collect();
        files.sort();
        let mut modules = MODULES.to_vec();
        modules.sort_unstable();
        assert_eq!(files, modules, "a subcommand needs a line in the registry");
    }

    #[test]
    fn every_subcommand_has_the_name_of_its_file_and_a_help_text() {
        let command = arguments::command();
        let names = command.get_subcommands().map(clap::Command::get_name);
        assert!(names.eq(MODULES.iter().copied()));
        for command in command.get_subcommands() {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
        }
    }
}
