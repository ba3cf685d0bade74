//! HTML of flows for notebooks.

use pyo3::prelude::*;
use pyo3::types::PyString;

/// Returns an HTML table with one row for each column of a flow.
pub(crate) fn flow(names: &[Bound<'_, PyString>], values: &[Bound<'_, PyAny>]) -> PyResult<String> {
    let mut html =
        String::from("<table><thead><tr><th>column</th><th>value</th></tr></thead><tbody>");
    for (name, value) in names.iter().zip(values) {
        html.push_str("<tr><th style=\"text-align:left\">");
        escape(&name.to_string_lossy(), &mut html);
        html.push_str("</th><td style=\"text-align:left\">");
        escape(&value.str()?.to_string_lossy(), &mut html);
        html.push_str("</td></tr>");
    }
    html.push_str("</tbody></table>");
    Ok(html)
}

/// Appends `text` with HTML escapes: names and certificates are untrusted.
fn escape(text: &str, html: &mut String) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#x27;"),
            other => html.push(other),
        }
    }
}
