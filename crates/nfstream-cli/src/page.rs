//! `docs/cli.md`: the help of all subcommands on one page.

use clap::Arg;

use crate::arguments;

/// Text before the help.
const INTRODUCTION: &str = "\
# The command line

`nfstream` turns captures into flow tables. Data goes to standard output or to a file, which appears
once it is complete; errors, warnings and progress go to standard error. Terminals get colours
unless `NO_COLOR` is set.

| exit code | meaning |
|---|---|
| 0 | success, also if the reader of standard output closed the pipe early, and if a signal ended a pipe or a live capture: the table is complete |
| 1 | an input cannot be read, or not completely, or an output cannot be written |
| 2 | invalid usage |
| 128 + N | ended by signal N: 130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP |

If the input is a pipe, standard input or interfaces, the first signal ends the input; if it is files,
the first signal ends the command. The second signal ends the command at once. SIGHUP is ignored if it
was ignored at the start, as under `nohup`.

This page is generated from the command-line parser. `nfstream COMMAND --help` prints the same text,
and `nfstream man COMMAND` prints it as a manual page.
";

/// Text after the help.
const CONDITIONS: &str = "
## Conditions

`--where` takes an expression in the [Common Expression Language](https://cel.dev), as implemented
by the crate [`cel`](https://docs.rs/cel). Its variables are all [columns](columns.md), whether
they are written or not, and no feature is needed for them. The result must be a bool.

| column type | in an expression | for example |
|---|---|---|
| any integer | int | `dst_port == 443`, `protocol in [6, 17]`, `total_bytes / 2 > 1000` |
| double | double | `bidirectional_mean_ps >= 60`, `double(total_bytes) / 3.0 < 0.5` |
| bool | bool | `!application_is_guessed` |
| string | string | `application_name.startsWith('TLS')`, `src_ip != dst_ip` |
| list | list of int | `splt_ps.exists(size, size > 1000)`, `size(splt_ps) > 2`, `splt_ps[0] < 100` |

- Operators: `&& || ! == != < <= > >= + - * / % in ?:`.
- Functions of strings: `contains`, `startsWith`, `endsWith`, `size`, and `matches`, which takes a
  regular expression of the crate [`regex`](https://docs.rs/regex) and runs in linear time.
- `lower(text)` and `text.lower()` return text in lower case.
- Addresses: `net(src_ip, '10.0.0.0/8')` for the addresses of a network, IPv4 or IPv6;
  `is_private(dst_ip)` for private (RFC 1918, RFC 4193), link-local and loopback addresses.
- Times: `first_seen >= timestamp('2026-11-25T15:00:00Z')`, also with an offset or as a day alone,
  `duration > duration('1m30s')`, `last_seen > now() - duration('5m')`. They are numbers in the
  unit of `--time-unit`, like the columns. Units of spans are `d`, `h`, `m`, `s`, `ms`, `us`, `ns`.
- Names of IP protocols: `protocol == TCP`, `protocol in ['UDP', 'ICMP', 'ICMPv6']`.
- Functions of lists: `size`, `in`, `[n]`, `all`, `exists`, `exists_one`, `filter`, `map`.
- Conversions: `int`, `double`, `string`, `bool`, `uint`.

Numbers of different types can be compared, but arithmetic requires operands of one type. Types are
checked before any input is read. An error that depends on a flow's values, such as a
division by zero, ends the run. Guard against it with an earlier condition:
`dst2src_packets > 0 && dst2src_bytes / dst2src_packets > 100`. An expression is limited to 4,096
bytes, and to 1,000,000 visits to elements of lists for each flow.
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

/// Returns an argument as the help shows it: `-o, --output <FILE>`.
fn typed(argument: &Arg) -> String {
    let text = argument.to_string();
    match argument.get_short() {
        Some(short) => format!("-{short}, {text}"),
        None => text,
    }
}

/// Returns the default of an option in parentheses, or nothing.
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
    fn the_page_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
        let bless = std::env::var_os("NFSTREAM_BLESS").is_some_and(|value| value == "1")
            || std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite");
        if bless {
            std::fs::write(&path, page()).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == page(), "docs/cli.md is out of date: run `make bless`");
    }
}
