//! The extension module `nfstream._engine`: the engine for Python.
//!
//! Thin: what a run does is the engine's matter, how it is asked for that of the Python package.
//! `_engine.pyi` beside the package's sources documents what is here.

mod command;
mod error;
mod export;
mod flow;
mod hooks;
mod html;
mod packet;
mod parameters;
mod plugin_column;
mod run;
mod v6;

use pyo3::prelude::*;

/// The engine of nfstream.
#[pymodule(gil_used = true)]
mod _engine {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::command::run_command;
    #[pymodule_export]
    use super::export::{
        TableOptions, first_flows, read_batches, read_table, table_schema, write_table,
    };
    #[pymodule_export]
    use super::flow::NFlow;
    #[pymodule_export]
    use super::packet::{NFPacket, TcpFlags};
    #[pymodule_export]
    use super::parameters::{check_parameters, parameters};
    #[pymodule_export]
    use super::run::{Run, check_filter, check_source, column_names, versions};
    #[pymodule_export]
    use super::v6::V6Packet;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
