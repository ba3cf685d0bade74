//! `docs/cli.md`: the help of all commands on one page, for those who read before they type.

use clap::Arg;

use crate::arguments;

/// What the page says beside the help.
const INTRODUCTION: &str = "\
# The command line

`nfstream` makes flow tables of captures. Data goes to standard output, or to a file that appears
when it is complete; errors, warnings and progress go to standard error. Exit codes: 0 done (also
when whoever reads standard output has gone away), 1 an input or output failed, 2 wrong usage, 128
and the signal's number if a signal ended it. Colours are for terminals without `NO_COLOR`.

This page is made from the parser; `nfstream COMMAND --help` says the same, and
`nfstream man COMMAND` as a manual page.
";

const CONDITIONS: &str = "
## Conditions

`--where` takes an expression in the [Common Expression Language](https://cel.dev), as the crate
[`cel`](https://docs.rs/cel) implements it. Its variables are the [columns](columns.md), also those
that are not written; what they need is measured then, and no more. It must be true or false:

| column type | in an expression | for example |
|---|---|---|
| any integer | int | `dst_port == 443`, `protocol in [6, 17]`, `total_bytes / 2 > 1000` |
| double | double | `bidirectional_mean_ps >= 60`, `double(total_bytes) / 3.0 < 0.5` |
| bool | bool | `!application_is_guessed` |
| string | string | `application_name.startsWith('TLS')`, `src_ip != dst_ip` |
| list | list of int | `splt_ps.exists(size, size > 1000)`, `size(splt_ps) > 2`, `splt_ps[0] < 100` |

Operators: `&& || ! == != < <= > >= + - * / % in ?:`. Functions of text: `contains`, `startsWith`,
`endsWith`, `size`, and `matches` with a regular expression (the crate
[`regex`](https://docs.rs/regex)'s, so its time is linear). Of lists: `size`, `in`, `[n]`, `all`,
`exists`, `exists_one`, `filter`, `map`. Conversions: `int`, `double`, `string`, `bool`, `uint`.
Numbers of all types compare with each other; arithmetic wants both of one type. Types are checked
before anything is read. What only a flow can tell, such as a division by zero, ends the run, unless
a condition before it prevents that: `dst2src_packets > 0 && dst2src_bytes / dst2src_packets > 100`.
An expression has 4,096 bytes at most.
";

/// Returns the page.
pub(crate) fn page() -> String {
    let mut command = arguments::command();
    command.build();
    let mut page = INTRODUCTION.to_owned();
    for sub in command.get_subcommands() {
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        let mut usage = sub.clone().render_usage().to_string();
        usage = usage.trim_start_matches("Usage: ").to_owned();
        page.push_str(&format!(
            "\n## nfstream {}\n\n{about}.\n\n```text\n{usage}\n```\n",
            sub.get_name()
        ));
        write_arguments(sub, &mut page);
        if let Some(after) = sub.get_after_help() {
            let after = after.to_string();
            let (notes, examples) = after.split_once("Examples:").unwrap_or((&after, ""));
            if !notes.trim().is_empty() {
                page.push_str(&format!("\n{}\n", notes.trim()));
            }
            let lines: Vec<_> = examples.lines().map(str::trim).collect();
            if let [_, lines @ ..] = &*lines {
                page.push_str(&format!("\nExamples:\n\n```sh\n{}\n```\n", lines.join("\n")));
            }
        }
    }
    page.push_str(CONDITIONS);
    page
}

/// Writes a table for each heading of the help.
fn write_arguments(command: &clap::Command, page: &mut String) {
    let mut heading = None;
    for argument in command.get_arguments().filter(|argument| argument.get_id() != "help") {
        let usual = if argument.is_positional() { "Arguments" } else { "Options" };
        let of = argument.get_help_heading().unwrap_or(usual);
        if heading.replace(of) != Some(of) {
            page.push_str(&format!("\n| {of} | |\n|---|---|\n"));
        }
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.replace('|', "\\|");
        page.push_str(&format!("| `{}` | {help}{} |\n", typed(argument), default(argument)));
    }
}

/// Returns an argument as it is typed: `-o, --output <FILE>`.
fn typed(argument: &Arg) -> String {
    let text = argument.to_string();
    match argument.get_short() {
        Some(short) => format!("-{short}, {text}"),
        None => text,
    }
}

fn default(argument: &Arg) -> String {
    let values = argument.get_default_values();
    if values.is_empty() || !argument.get_action().takes_values() {
        return String::new();
    }
    let values: Vec<_> = values.iter().map(|value| value.to_string_lossy()).collect();
    format!(" (default: {})", values.join(" "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::page;

    #[test]
    fn the_page_of_the_command_line_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
        let bless = std::env::var_os("NFSTREAM_BLESS").is_some()
            || std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite");
        if bless {
            std::fs::write(&path, page()).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == page(), "docs/cli.md is not current: run `make bless`");
    }
}
