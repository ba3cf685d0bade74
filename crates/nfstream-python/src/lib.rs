//! Extension module `nfstream._engine`: Python bindings of the engine.
//!
//! The module only converts types, errors and signals. The engine meters flows, and the Python
//! package defines the public API. `python/nfstream/_engine.pyi` documents this module.

mod cluster;
mod command;
mod destination;
mod error;
mod export;
mod extract;
mod flow;
mod flow_copy;
mod ground_truth;
mod hooks;
mod html;
mod nfstream6;
mod packet;
mod parameters;
mod plugin_column;
mod query;
mod report;
mod run;
mod source;

use pyo3::prelude::*;

/// Engine of nfstream.
#[pymodule(gil_used = true)]
mod _engine {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::cluster::{BlockWriter, cut_files, find_files};
    #[pymodule_export]
    use super::command::run_command;
    #[pymodule_export]
    use super::destination::{Destination, send_table};
    #[pymodule_export]
    use super::export::{
        TableOptions, active_table, first_flows, read_batches, read_table, revealing_columns,
        table_schema, write_table,
    };
    #[pymodule_export]
    use super::extract::extract;
    #[pymodule_export]
    use super::flow::NFlow;
    #[pymodule_export]
    use super::flow_copy::restore_flow;
    #[pymodule_export]
    use super::ground_truth::label_flows;
    #[pymodule_export]
    use super::nfstream6::Nfstream6Packet;
    #[pymodule_export]
    use super::packet::{NFPacket, TcpFlags};
    #[pymodule_export]
    use super::parameters::{check_parameters, measure_fields, parameters, score_columns};
    #[pymodule_export]
    use super::query::Query;
    #[pymodule_export]
    use super::report::{report_features, write_report};
    #[pymodule_export]
    use super::run::{Run, check_filter, check_source, column_names, column_roles, versions};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
