//! HTML of flows for notebooks.

use nfstream::host::visible;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Name and value of a column.
pub(crate) type Field<'py> = (Bound<'py, PyString>, Bound<'py, PyAny>);

/// Returns HTML of a flow: a table of its important columns, and all columns in a fold.
pub(crate) fn flow(important: &[Field<'_>], all: &[Field<'_>]) -> PyResult<String> {
    let mut html = String::new();
    if important.is_empty() {
        table(all, &mut html)?;
        return Ok(html);
    }
    table(important, &mut html)?;
    html.push_str(&format!("<details><summary>All {} columns</summary>", all.len()));
    table(all, &mut html)?;
    html.push_str("</details>");
    Ok(html)
}

/// Appends a table with one row for each column.
fn table(fields: &[Field<'_>], html: &mut String) -> PyResult<()> {
    html.push_str("<table><thead><tr><th>column</th><th>value</th></tr></thead><tbody>");
    for (name, value) in fields {
        html.push_str("<tr><th style=\"text-align:left\">");
        escape(&name.to_string_lossy(), html);
        html.push_str("</th><td style=\"text-align:left\">");
        escape(&value.str()?.to_string_lossy(), html);
        html.push_str("</td></tr>");
    }
    html.push_str("</tbody></table>");
    Ok(())
}

/// Appends text with escapes in place of characters that mean something in HTML, and of those that
/// control the direction of text: names and certificates are untrusted.
fn escape(text: &str, html: &mut String) {
    for character in visible(text).chars() {
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
