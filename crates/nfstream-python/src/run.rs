//! Run over a source, driven by the Python package.

use std::collections::VecDeque;
use std::ffi::CString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nfstream::capture::{Filter, Input};
use nfstream::dissect::{Component, DissectorFactory, component_versions};
use nfstream::features::{Group, Record, RecordPool, columns};
use nfstream::host::ProcessWatcher;
use nfstream::nfstream6::Nfstream6Columns;
use nfstream::time::TimeUnit;
use nfstream::{Dialect, Monitor, Rules, Step, StopHandle};
use pyo3::exceptions::{PyRuntimeError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::cluster::Blocks;
use crate::error::{capture_error, run_error};
use crate::flow::{FlowType, NFlow};
use crate::hooks::{Api, Host, Plugin, Plugins};
use crate::parameters::from_python;

/// Run over a source; iterates over its flows.
#[pyclass(frozen, module = "nfstream._engine")]
pub(crate) struct Run {
    pub(crate) kind: Arc<FlowType>,
    pub(crate) monitor: Monitor,
    stop: StopHandle,
    pub(crate) pool: RecordPool,
    pub(crate) dissector: Option<Arc<dyn DissectorFactory>>,
    /// Whether packets come from interfaces.
    #[pyo3(get)]
    is_live: bool,
    /// Whether packets arrive in real time, because every input is an interface or a pipe.
    #[pyo3(get)]
    is_stream: bool,
    /// Files from which the packets come.
    pub(crate) files: Vec<PathBuf>,
    state: Mutex<State>,
}

pub(crate) struct State {
    run: nfstream::Run,
    /// Process that owns the threads of the run.
    process: u32,
    plugins: Option<Plugins>,
    pub(crate) ended: bool,
    /// Ended flows that have not been returned yet.
    rows: std::vec::IntoIter<Record>,
    followed: VecDeque<Py<NFlow>>,
    /// Monitor that supplies warnings during a live run.
    live_monitor: Option<Monitor>,
}

/// Flows of one step.
pub(crate) enum Found {
    Rows(Vec<Record>),
    Followed(Vec<Record>, Vec<Py<NFlow>>),
}

#[pymethods]
impl Run {
    #[new]
    #[pyo3(signature = (
        source, *, plugins, plugin_base, flow_rules = "standard", strict = false, **parameters
    ))]
    fn new(
        py: Python<'_>,
        source: Vec<PathBuf>,
        plugins: Vec<Bound<'_, PyAny>>,
        plugin_base: Bound<'_, PyAny>,
        flow_rules: &str,
        strict: bool,
        parameters: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let rules = flow_rules_called(flow_rules)?;
        let dialect = if strict { Dialect::Nfstream6 } else { Dialect::Standard };
        let parameters = parameters.map(from_python).transpose()?.unwrap_or_default();
        let api = match rules {
            Rules::Nfstream6 => Api::Nfstream6(dialect),
            _ => Api::Standard,
        };
        let plugins: Vec<_> = plugins
            .iter()
            .map(|plugin| Plugin::new(plugin, &plugin_base, api))
            .collect::<PyResult<_>>()?;
        let followed = !plugins.is_empty();
        let live = parameters.live_options();
        let polling = parameters.process_polling();
        let input = py.detach(|| Input::of(&source, parameters.file_options()));
        let input = input.map_err(|error| capture_error(&error))?;
        let (is_live, is_stream, files) = (input.is_live(), input.is_stream(), input.paths());
        let run = py.detach(|| {
            let source = input.open(parameters.bpf_filter.clone(), &live)?;
            let mut config = parameters.config(source.progress().total_bytes);
            (config.rules, config.dialect) = (rules, dialect);
            config.processes = polling.filter(|_| is_live).map(ProcessWatcher::open).transpose()?;
            // Plugins receive all packets in order, which requires a single meter.
            if followed {
                config.meters = NonZeroUsize::MIN;
            }
            if followed {
                nfstream::Run::with_hooks(source, &config)
            } else {
                nfstream::Run::new(source, &config)
            }
        });
        let run = run.map_err(run_error)?;
        let (schema, names) = match rules {
            Rules::Nfstream6 => {
                let processes = polling.map(|_| Group::SystemProcess);
                let groups = parameters.settled().features;
                let groups: Vec<_> = groups.into_iter().chain(processes).collect();
                let schema = run.schema().select(&Nfstream6Columns::of(&groups));
                (Arc::new(schema), vec![("udps".to_owned(), true)])
            }
            _ => {
                let names = plugins.iter().map(|p| (p.name.clone(), p.volatile)).collect();
                (Arc::clone(run.schema()), names)
            }
        };
        let (monitor, stop, pool) = (run.monitor(), run.stop_handle(), run.record_pool());
        let kind = Arc::new(FlowType::new(py, schema, &names, rules, Some(pool.clone())));
        let dissector = run.dissector().cloned();
        let state = State {
            run,
            process: std::process::id(),
            plugins: followed.then(|| Plugins::new(plugins, api)),
            ended: false,
            rows: Vec::new().into_iter(),
            followed: VecDeque::new(),
            live_monitor: is_live.then(|| monitor.clone()),
        };
        Ok(Self {
            kind,
            monitor,
            stop,
            pool,
            dissector,
            is_live,
            is_stream,
            files,
            state: Mutex::new(state),
        })
    }

    /// Begins a run over the blocks of one shard, from an iterable of `bytes`.
    #[staticmethod]
    #[pyo3(signature = (blocks, *, plugins, plugin_base, **parameters))]
    fn of_blocks(
        py: Python<'_>,
        blocks: &Bound<'_, PyAny>,
        plugins: Vec<Bound<'_, PyAny>>,
        plugin_base: Bound<'_, PyAny>,
        parameters: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let parameters = parameters.map(from_python).transpose()?.unwrap_or_default();
        let config = parameters.config(Some(0));
        let blocks = Box::new(Blocks::new(blocks)?);
        let run = py.detach(|| nfstream::Run::of_blocks(blocks, &config)).map_err(run_error)?;
        let plugins: Vec<_> = plugins
            .iter()
            .map(|plugin| Plugin::new(plugin, &plugin_base, Api::Standard))
            .collect::<PyResult<_>>()?;
        let names: Vec<_> = plugins.iter().map(|p| (p.name.clone(), p.volatile)).collect();
        let (monitor, stop, pool) = (run.monitor(), run.stop_handle(), run.record_pool());
        let schema = Arc::clone(run.schema());
        let kind = FlowType::new(py, schema, &names, Rules::Standard, Some(pool.clone()));
        let dissector = run.dissector().cloned();
        let state = State {
            run,
            process: std::process::id(),
            plugins: (!plugins.is_empty()).then(|| Plugins::new(plugins, Api::Standard)),
            ended: false,
            rows: Vec::new().into_iter(),
            followed: VecDeque::new(),
            live_monitor: None,
        };
        Ok(Self {
            kind: Arc::new(kind),
            monitor,
            stop,
            pool,
            dissector,
            is_live: false,
            is_stream: false,
            files: Vec::new(),
            state: Mutex::new(state),
        })
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<NFlow>>> {
        let mut state = self.lock()?;
        loop {
            if let Some(record) = state.rows.next() {
                return Py::new(py, NFlow::row(Arc::clone(&self.kind), record)).map(Some);
            }
            if let Some(flow) = state.followed.pop_front() {
                return Ok(Some(flow));
            }
            if state.ended {
                return Ok(None);
            }
            match state.advance(py, &self.kind)? {
                Found::Rows(records) => state.rows = records.into_iter(),
                Found::Followed(_, flows) => state.followed.extend(flows),
            }
        }
    }

    /// Waits for ended flows and returns them; an empty list means the end of the run.
    fn read_flows(&self, py: Python<'_>) -> PyResult<Vec<Py<NFlow>>> {
        let mut state = self.lock()?;
        let mut flows: Vec<_> = state.followed.drain(..).collect();
        flows.extend(self.rows(py, std::mem::take(&mut state.rows))?);
        while flows.is_empty() && !state.ended {
            flows = match state.advance(py, &self.kind)? {
                Found::Rows(records) => self.rows(py, records)?,
                Found::Followed(_, flows) => flows,
            };
        }
        Ok(flows)
    }

    /// Stops the run. Packets captured before are still metered and their flows returned.
    fn stop(&self) {
        self.stop.stop();
    }

    /// Returns whether `stop` was called.
    #[getter]
    fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }

    /// Returns whether the run belongs to the parent of a forked process.
    #[getter]
    fn is_of_parent(&self) -> PyResult<bool> {
        Ok(self.lock()?.is_of_parent())
    }

    /// Ends the run and its threads; flows that have not been read are discarded.
    pub(crate) fn close(&self, py: Python<'_>) -> PyResult<()> {
        let mut state = self.lock()?;
        state.ended = true;
        state.stop();
        state.rows = Vec::new().into_iter();
        state.followed.clear();
        if let Some(mut plugins) = state.plugins.take() {
            plugins.release_packet(py);
        }
        Ok(())
    }

    /// Returns the counts so far.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.monitor.stats();
        let ignored = PyDict::new(py);
        for (reason, packets) in stats.ignored.reasons() {
            ignored.set_item(reason, packets)?;
        }
        let dict = PyDict::new(py);
        dict.set_item("packets", stats.packets)?;
        dict.set_item("flow_packets", stats.flow_packets)?;
        dict.set_item("ignored", ignored)?;
        dict.set_item("late_packets", stats.late_packets)?;
        dict.set_item("flows", stats.flows)?;
        dict.set_item("evicted_flows", stats.evicted_flows)?;
        dict.set_item("active_flows", stats.active_flows)?;
        dict.set_item("damaged_files", stats.damaged_files)?;
        let reception = stats.reception.unwrap_or_default();
        dict.set_item("received", reception.received)?;
        dict.set_item("dropped_by_kernel", reception.dropped_by_kernel)?;
        dict.set_item("dropped_by_interface", reception.dropped_by_interface)?;
        Ok(dict)
    }

    /// Takes the warnings since the last call.
    fn take_warnings(&self) -> Vec<String> {
        self.monitor.take_warnings().iter().map(ToString::to_string).collect()
    }
}

impl Run {
    fn rows(
        &self,
        py: Python<'_>,
        records: impl IntoIterator<Item = Record>,
    ) -> PyResult<Vec<Py<NFlow>>> {
        let row = |record| Py::new(py, NFlow::row(Arc::clone(&self.kind), record));
        records.into_iter().map(row).collect()
    }

    pub(crate) fn lock(&self) -> PyResult<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Ok(state),
            Err(std::sync::TryLockError::Poisoned(error)) => Ok(PoisonError::into_inner(error)),
            // Waiting here would deadlock: the other thread needs the interpreter.
            Err(std::sync::TryLockError::WouldBlock) => Err(PyRuntimeError::new_err(
                "this iterator is in use by another thread or by one of its own plugins",
            )),
        }
    }
}

impl State {
    fn is_of_parent(&self) -> bool {
        self.process != std::process::id()
    }

    fn stop(&mut self) {
        if self.is_of_parent() {
            self.run.abandon();
        } else {
            self.run.stop();
        }
    }

    /// Handles signals such as Ctrl-C, then advances the run by one chunk.
    pub(crate) fn advance(&mut self, py: Python<'_>, kind: &Arc<FlowType>) -> PyResult<Found> {
        py.check_signals()?;
        if self.is_of_parent() {
            return Err(PyRuntimeError::new_err(
                "this run and its threads belong to the parent process; start a new run after a \
                 fork",
            ));
        }
        let step = match &mut self.plugins {
            None => py.detach(|| self.run.advance()),
            Some(plugins) => self.run.advance_with(&mut Host { py, plugins, kind }),
        };
        if let (Some(plugins), Err(_) | Ok(Step::Last(_))) = (&mut self.plugins, &step) {
            plugins.release_packet(py);
        }
        if let Some(monitor) = &self.live_monitor {
            let category = py.get_type::<PyUserWarning>();
            for warning in monitor.take_warnings() {
                let message = CString::new(warning.to_string()).unwrap_or_default();
                PyErr::warn(py, &category, &message, 2)?;
            }
        }
        let records = match step {
            Ok(Step::Records(records)) => records,
            Ok(Step::Last(records)) => {
                self.ended = true;
                records
            }
            Err(error) => {
                self.ended = true;
                return Err(run_error(error));
            }
        };
        Ok(match &mut self.plugins {
            None => Found::Rows(records),
            Some(plugins) => {
                let flows = records.iter().filter_map(|record| plugins.take_ended(record));
                let flows = flows.collect();
                Found::Followed(records, flows)
            }
        })
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Opens every file of a source and checks its header, or checks the permission to capture. Returns
/// whether the source is live.
#[pyfunction]
pub(crate) fn check_source(
    py: Python<'_>,
    source: Vec<PathBuf>,
    parameters: &Bound<'_, PyDict>,
) -> PyResult<bool> {
    let options = from_python(parameters)?.file_options();
    let check = || {
        let input = Input::of(&source, options)?;
        input.check().map(|()| input.is_live())
    };
    py.detach(check).map_err(|error| capture_error(&error))
}

/// Compiles a packet filter.
#[pyfunction]
pub(crate) fn check_filter(bpf_filter: &str) -> PyResult<()> {
    Filter::new(bpf_filter).map(drop).map_err(|error| capture_error(&error))
}

/// Returns the names of all columns.
#[pyfunction]
pub(crate) fn column_names() -> Vec<&'static str> {
    columns(TimeUnit::default()).map(|column| column.name).collect()
}

/// Returns the versions of the engine and of the components that determine labels.
#[pyfunction]
pub(crate) fn versions(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("nfstream", env!("CARGO_PKG_VERSION"))?;
    for Component { name, version } in component_versions() {
        dict.set_item(name.to_lowercase(), version)?;
    }
    Ok(dict)
}

fn flow_rules_called(name: &str) -> PyResult<Rules> {
    match name {
        "standard" => Ok(Rules::Standard),
        "nfstream6" => Ok(Rules::Nfstream6),
        _ => Err(PyValueError::new_err(format!(
            "flow_rules must be 'standard' or 'nfstream6', not {name:?}"
        ))),
    }
}
