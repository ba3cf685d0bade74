//! The page: markup, style, program and data in one file that makes no request.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::values::Values;
use super::{Facts, Report, data};

/// The chart library; `packages/charts` builds it.
const CHARTS: &str = include_str!("page/charts.min.js");

/// The program of the page, in the order in which it runs.
const PROGRAM: [&str; 12] = [
    include_str!("page/dom.js"),
    include_str!("page/format.js"),
    include_str!("page/model.js"),
    include_str!("page/theme.js"),
    include_str!("page/overview.js"),
    include_str!("page/timeline.js"),
    include_str!("page/paths.js"),
    include_str!("page/values.js"),
    include_str!("page/flows.js"),
    include_str!("page/detail.js"),
    include_str!("page/findings.js"),
    include_str!("page/main.js"),
];

/// Style sheet of the page.
const STYLE: &str = include_str!("page/style.css");

impl Report {
    /// Writes the page.
    ///
    /// # Errors
    ///
    /// Those of `output`.
    pub fn write(&mut self, facts: &Facts, output: &mut dyn Write) -> io::Result<()> {
        self.values.iter_mut().for_each(Values::settle);
        write(self, facts, output)
    }
}

fn write(report: &Report, facts: &Facts, output: &mut dyn Write) -> io::Result<()> {
    let script = script();
    let hash = STANDARD.encode(Sha256::digest(script.as_bytes()));
    // Nothing is loaded, only this script runs, and text cannot be turned into markup: browsers
    // with Trusted Types refuse it.
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{hash}'; style-src 'unsafe-inline'; base-uri \
         'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let head = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"generator\" content=\"nfstream {}\">\n\
         <title>nfstream report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <noscript>This report needs JavaScript, which runs only in this page.</noscript>\n\
         <script type=\"application/json\" id=\"data\">",
        env!("CARGO_PKG_VERSION"),
    );
    output.write_all(head.as_bytes())?;
    data::write(report, facts, output)?;
    output.write_all(b"</script>\n<script>")?;
    output.write_all(script.as_bytes())?;
    output.write_all(b"</script>\n</body>\n</html>\n")?;
    output.flush()
}

/// Returns the script. Its parts share one scope that other scripts cannot see.
fn script() -> String {
    let mut script = String::from("\n");
    script.push_str(CHARTS);
    script.push_str("\n(() => {\n'use strict';\n");
    for part in PROGRAM {
        script.push_str(part);
    }
    script.push_str("})();\n");
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_ends_the_element_that_holds_it() {
        let script = script().to_lowercase();
        assert!(!script.contains("</script") && !script.contains("<!--"));
        assert!(!STYLE.to_lowercase().contains("</style"));
    }

    #[test]
    fn the_program_makes_no_markup_and_no_request() {
        for part in PROGRAM {
            for forbidden in
                ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "fetch(", "eval("]
            {
                assert!(!part.contains(forbidden), "{forbidden}");
            }
        }
    }

    #[test]
    fn the_page_without_data_is_small() {
        assert!(script().len() + STYLE.len() < 2_000_000);
    }
}
