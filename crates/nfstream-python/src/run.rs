//! Run over a source, driven by the Python package.

use std::collections::VecDeque;
use std::ffi::CString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nfstream::capture::{Filter, Input, LiveOptions};
use nfstream::dissect::{Component, DissectorFactory, component_versions};
use nfstream::features::{Group, Headings, Record, RecordPool, columns};
use nfstream::host::ProcessWatcher;
use nfstream::nfstream6::Nfstream6Columns;
use nfstream::time::TimeUnit;
use nfstream::{ActiveFlows, Config, Dialect, Monitor, Rules, RunError, Stats, Step, StopHandle};
use pyo3::exceptions::{PyRuntimeError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::cluster::Blocks;
use crate::error::{capture_error, run_error};
use crate::flow::{FlowType, NFlow};
use crate::hooks::{Api, Host, Plugin, Plugins};
use crate::parameters::from_python;
use crate::query::{Query, Row, SOURCE, Selector};
use crate::source::places;

/// Run over a source; iterates over its flows.
#[pyclass(frozen, module = "nfstream._engine")]
pub(crate) struct Run {
    pub(crate) kind: Arc<FlowType>,
    control: Arc<Mutex<Control>>,
    pub(crate) pool: RecordPool,
    pub(crate) dissector: Option<Arc<dyn DissectorFactory>>,
    /// Whether packets come from interfaces.
    #[pyo3(get)]
    pub(crate) is_live: bool,
    /// Whether packets arrive in real time, because every input is an interface or a pipe.
    #[pyo3(get)]
    is_stream: bool,
    /// Files from which the packets come.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) query: Option<Py<Query>>,
    /// Names and hashes of the models.
    pub(crate) models: serde_json::Value,
    /// Whether the run reads its files to their end.
    pub(crate) is_complete: bool,
    /// Whether each file is a capture of its own.
    is_separate: bool,
    /// Process that owns the threads of the run.
    process: u32,
    state: Mutex<State>,
}

/// Access to the runs over separate captures, or to the only run.
struct Control {
    /// Monitors of all runs begun so far, the current one last.
    monitors: Vec<Monitor>,
    /// Handle of the current run.
    stop: StopHandle,
    /// Active flows of the current run.
    active: ActiveFlows,
    /// Name of the current capture.
    origin: String,
}

/// Message of a call in a forked process.
const OF_PARENT: &str =
    "this run and its threads belong to the parent process; start a new run after a fork";

/// Capture to read, and its name.
type Named = (Input, String);

/// Settings with which captures are opened.
struct Opening {
    filter: Option<Filter>,
    live: LiveOptions,
    config: Box<dyn Fn(Option<u64>) -> Config + Send + Sync>,
    has_plugins: bool,
}

pub(crate) struct State {
    run: nfstream::Run,
    control: Arc<Mutex<Control>>,
    opening: Opening,
    /// Captures to read separately after the current one.
    rest: VecDeque<Named>,
    /// Types of the flows of each capture so far, and its name.
    kinds: Vec<(Arc<FlowType>, String)>,
    /// Number of the capture of the last flows that were returned.
    current: usize,
    selector: Option<Selector>,
    /// Selected flows, by capture.
    ready: VecDeque<(usize, Found)>,
    /// Whether all captures are read.
    is_read: bool,
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

/// Run of the engine that has begun, and what belongs to it.
struct Begun {
    run: nfstream::Run,
    kind: FlowType,
    plugins: Option<Plugins>,
    opening: Opening,
    /// Name of its capture.
    name: String,
    /// Captures to read separately after it.
    rest: VecDeque<Named>,
    query: Option<Py<Query>>,
    is_live: bool,
    is_stream: bool,
    files: Vec<PathBuf>,
    models: serde_json::Value,
    is_complete: bool,
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
        source, *, plugins, plugin_base, flow_rules = "standard", strict = false, query = None,
        **parameters
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
    fn new(
        py: Python<'_>,
        source: Vec<Bound<'_, PyAny>>,
        plugins: Vec<Bound<'_, PyAny>>,
        plugin_base: Bound<'_, PyAny>,
        flow_rules: &str,
        strict: bool,
        query: Option<Py<Query>>,
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
        let source = places(&source, followed)?;
        let ends_early = query.as_ref().is_some_and(|query| query.bind(py).get().ends_early());
        let is_complete = parameters.max_nflows == 0 && !ends_early;
        let input = py.detach(|| Input::of_places(&source, parameters.file_options()));
        let input = input.map_err(|error| capture_error(&error))?;
        let (is_live, is_stream, files) = (input.is_live(), input.is_stream(), input.paths());
        let separate = query.as_ref().is_some_and(|query| query.bind(py).get().separate);
        let mut rest: VecDeque<Named> =
            if separate { separately(input) } else { [(input, String::new())].into() };
        let needed: Vec<_> = query
            .iter()
            .flat_map(|query| query.bind(py).get().needed().collect::<Vec<_>>())
            .collect();
        let models = parameters.model.hashes();
        let of_run = parameters.clone();
        let config = move |bytes: Option<u64>| {
            let mut config = of_run.config(bytes);
            (config.rules, config.dialect) = (rules, dialect);
            config.measuring.groups.extend(needed.iter().copied());
            // Plugins receive all packets in order, which requires a single meter.
            if followed {
                config.meters = NonZeroUsize::MIN;
            }
            config
        };
        let opening = Opening {
            filter: parameters.bpf_filter.clone(),
            live,
            config: Box::new(config),
            has_plugins: followed,
        };
        let Some((input, name)) = rest.pop_front() else {
            return Err(PyValueError::new_err("source holds no captures"));
        };
        let polling_here = polling.filter(|_| is_live);
        let run = py.detach(|| opening.open(&input, polling_here));
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
        let mut kind = FlowType::new(py, schema, &names, rules, Some(run.record_pool()));
        if separate {
            kind.set_origin(py, SOURCE, &name);
        }
        let plugins = followed.then(|| Plugins::new(plugins, api));
        let begun = Begun {
            run,
            kind,
            plugins,
            opening,
            name,
            rest,
            query,
            is_live,
            is_stream,
            files,
            models,
            is_complete,
        };
        Ok(begun.into_run(py))
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
        let (schema, pool) = (Arc::clone(run.schema()), run.record_pool());
        let has_plugins = !plugins.is_empty();
        let begun = Begun {
            run,
            kind: FlowType::new(py, schema, &names, Rules::Standard, Some(pool)),
            plugins: has_plugins.then(|| Plugins::new(plugins, Api::Standard)),
            opening: Opening {
                filter: None,
                live: LiveOptions::default(),
                config: Box::new(move |_| config.clone()),
                has_plugins,
            },
            name: String::new(),
            rest: VecDeque::new(),
            query: None,
            is_live: false,
            is_stream: false,
            files: Vec::new(),
            models: parameters.model.hashes(),
            is_complete: true,
        };
        Ok(begun.into_run(py))
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<NFlow>>> {
        let mut state = self.lock()?;
        loop {
            if let Some(record) = state.rows.next() {
                return Py::new(py, NFlow::row(state.kind(), record)).map(Some);
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
        let rows = std::mem::take(&mut state.rows);
        flows.extend(state.rows(py, rows)?);
        while flows.is_empty() && !state.ended {
            flows = match state.advance(py, &self.kind)? {
                Found::Rows(records) => state.rows(py, records)?,
                Found::Followed(_, flows) => flows,
            };
        }
        Ok(flows)
    }

    /// Stops the run. Packets captured before are still metered and their flows returned.
    fn stop(&self) {
        lock(&self.control).stop.stop();
    }

    /// Returns whether `stop` was called.
    #[getter]
    fn is_stopped(&self) -> bool {
        lock(&self.control).stop.is_stopped()
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
        state.rest.clear();
        state.ready.clear();
        state.followed.clear();
        if let Some(mut plugins) = state.plugins.take() {
            plugins.release_packet(py);
        }
        Ok(())
    }

    /// Returns the counts so far.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.counts();
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

    /// Returns the bytes read so far, and those of all files if they are known. Those of separate
    /// captures are not, as each is opened after the one before.
    fn progress(&self) -> (u64, Option<u64>) {
        let monitors = lock(&self.control).monitors.clone();
        let total = match monitors.as_slice() {
            [only] if !self.is_separate => only.progress().total_bytes,
            _ => None,
        };
        (monitors.iter().map(|monitor| monitor.progress().bytes).sum(), total)
    }

    /// Takes the warnings since the last call.
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        let monitors = lock(&self.control).monitors.clone();
        let warnings = monitors.iter().flat_map(Monitor::take_warnings);
        warnings.map(|warning| warning.to_string()).collect()
    }
}

impl Begun {
    fn into_run(self, py: Python<'_>) -> Run {
        let Self { run, kind, plugins, opening, name, rest, query, is_live, .. } = self;
        let (monitor, stop, pool) = (run.monitor(), run.stop_handle(), run.record_pool());
        let live_monitor = is_live.then(|| monitor.clone());
        let kind = Arc::new(kind);
        let control = Arc::new(Mutex::new(Control {
            monitors: vec![monitor],
            stop,
            active: run.active_flows(),
            origin: name.clone(),
        }));
        let dissector = run.dissector().cloned();
        let is_separate = query.as_ref().is_some_and(|query| query.bind(py).get().separate);
        let state = State {
            run,
            control: Arc::clone(&control),
            opening,
            rest,
            kinds: vec![(Arc::clone(&kind), name)],
            current: 0,
            selector: query.as_ref().map(|query| Selector::new(py, query.clone_ref(py))),
            ready: VecDeque::new(),
            is_read: false,
            process: std::process::id(),
            plugins,
            ended: false,
            rows: Vec::new().into_iter(),
            followed: VecDeque::new(),
            live_monitor,
        };
        Run {
            kind,
            control,
            pool,
            dissector,
            is_live,
            is_stream: self.is_stream,
            files: self.files,
            models: self.models,
            query,
            is_complete: self.is_complete,
            is_separate,
            process: std::process::id(),
            state: Mutex::new(state),
        }
    }
}

impl Run {
    /// Returns the counts so far, of all captures.
    pub(crate) fn counts(&self) -> Stats {
        let monitors = lock(&self.control).monitors.clone();
        let mut total = Stats::default();
        monitors.iter().for_each(|monitor| total.add(&monitor.stats()));
        total
    }

    /// Returns the active flows, as they would be if the input ended now, and the name of their
    /// capture. Works in any thread, while another one advances the run.
    pub(crate) fn active(&self, py: Python<'_>) -> PyResult<(Vec<Record>, String)> {
        if self.process != std::process::id() {
            // The locks may stay locked for good.
            return Err(PyRuntimeError::new_err(OF_PARENT));
        }
        let control = lock(&self.control);
        let (active, origin) = (control.active.clone(), control.origin.clone());
        drop(control);
        // The meter may wait for the interpreter to call a plugin.
        let records = py.detach(|| active.records());
        let records = records.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        Ok((records, origin))
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
    /// Returns the type of the last flows that were returned.
    pub(crate) fn kind(&self) -> Arc<FlowType> {
        let (kind, _) = &self.kinds[self.current.min(self.kinds.len() - 1)];
        Arc::clone(kind)
    }

    /// Returns the name of the capture of the last flows that were returned.
    pub(crate) fn origin(&self) -> String {
        self.kinds.get(self.current).map_or_else(String::new, |(_, name)| name.clone())
    }

    fn rows(
        &self,
        py: Python<'_>,
        records: impl IntoIterator<Item = Record>,
    ) -> PyResult<Vec<Py<NFlow>>> {
        let row = |record| Py::new(py, NFlow::row(self.kind(), record));
        records.into_iter().map(row).collect()
    }

    /// Handles signals such as Ctrl-C, then advances until flows are selected or the run ends.
    pub(crate) fn advance(&mut self, py: Python<'_>, kind: &Arc<FlowType>) -> PyResult<Found> {
        loop {
            if let Some((source, found)) = self.ready.pop_front() {
                self.current = source;
                self.ended = self.is_read && self.ready.is_empty();
                return Ok(found);
            }
            let (source, found) = self.step(py, kind)?;
            let found = match self.selector.take() {
                None => found,
                Some(mut selector) => {
                    let found = self.select(py, &mut selector, source, found);
                    self.selector = Some(selector);
                    found?
                }
            };
            self.ready.push_front((source, found));
        }
    }

    /// Returns the selected flows of a step. Sorted ones are added to those that are ready, once
    /// all captures are read.
    fn select(
        &mut self,
        py: Python<'_>,
        selector: &mut Selector,
        source: usize,
        found: Found,
    ) -> PyResult<Found> {
        let (records, flows) = match found {
            Found::Rows(records) => (records, None),
            Found::Followed(records, flows) => (records, Some(flows)),
        };
        let is_followed = flows.is_some();
        let mut flows = flows.into_iter().flatten();
        let row = |record| Row { source, record, flow: flows.next() };
        let rows = records.into_iter().map(row).collect();
        let (kind, origin) = &self.kinds[source];
        let rows = selector.select(py, rows, kind.schema(), origin)?;
        if selector.is_full() && !self.is_read {
            self.rest.clear();
            self.is_read = true;
            self.stop();
        }
        if self.is_read {
            for row in selector.sorted() {
                let is_next = matches!(self.ready.back(), Some((last, _)) if *last == row.source);
                if !is_next {
                    self.ready.push_back((row.source, found_of(Vec::new(), is_followed)));
                }
                if let Some((_, found)) = self.ready.back_mut() {
                    found.push(row);
                }
            }
        }
        Ok(found_of(rows, is_followed))
    }

    /// Starts reading the next capture, if there is one and the run is not stopped.
    fn begin_next(&mut self, py: Python<'_>) -> PyResult<bool> {
        if lock(&self.control).stop.is_stopped() {
            return Ok(false);
        }
        let Some((input, name)) = self.rest.pop_front() else { return Ok(false) };
        let opening = &self.opening;
        let run = py.detach(|| opening.open(&input, None)).map_err(run_error)?;
        let schema = Arc::clone(run.schema());
        let mut kind = FlowType::new(py, schema, &[], Rules::Standard, Some(run.record_pool()));
        kind.set_origin(py, SOURCE, &name);
        let mut control = lock(&self.control);
        control.monitors.push(run.monitor());
        control.stop = run.stop_handle();
        control.active = run.active_flows();
        control.origin.clone_from(&name);
        drop(control);
        self.kinds.push((Arc::new(kind), name));
        self.run = run;
        Ok(true)
    }

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

    /// Handles signals such as Ctrl-C, then advances the run by one chunk. Returns the flows and the
    /// number of their capture.
    fn step(&mut self, py: Python<'_>, kind: &Arc<FlowType>) -> PyResult<(usize, Found)> {
        py.check_signals()?;
        if self.is_of_parent() {
            return Err(PyRuntimeError::new_err(OF_PARENT));
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
        let source = self.kinds.len() - 1;
        let records = match step {
            Ok(Step::Records(records)) => records,
            Ok(Step::Last(records)) => {
                self.is_read = !self.begin_next(py)?;
                records
            }
            Err(error) => {
                self.ended = true;
                return Err(run_error(error));
            }
        };
        let found = match &mut self.plugins {
            None => Found::Rows(records),
            Some(plugins) => {
                let flows = records.iter().filter_map(|record| plugins.take_ended(record));
                let flows = flows.collect();
                Found::Followed(records, flows)
            }
        };
        Ok((source, found))
    }
}

impl Found {
    fn push(&mut self, row: Row) {
        match self {
            Self::Rows(records) => records.push(row.record),
            Self::Followed(records, flows) => {
                records.push(row.record);
                flows.extend(row.flow);
            }
        }
    }
}

fn found_of(rows: Vec<Row>, is_followed: bool) -> Found {
    let mut found =
        if is_followed { Found::Followed(Vec::new(), Vec::new()) } else { Found::Rows(Vec::new()) };
    rows.into_iter().for_each(|row| found.push(row));
    found
}

impl Opening {
    /// Starts a run over `input`.
    fn open(
        &self,
        input: &Input,
        polling: Option<std::time::Duration>,
    ) -> Result<nfstream::Run, RunError> {
        let source = input.open(self.filter.clone(), &self.live)?;
        let mut config = (self.config)(source.progress().total_bytes);
        config.processes = polling.map(ProcessWatcher::open).transpose()?;
        if self.has_plugins {
            nfstream::Run::with_hooks(source, &config)
        } else {
            nfstream::Run::new(source, &config)
        }
    }
}

/// Returns each capture as a separate input, with its name.
fn separately(input: Input) -> VecDeque<Named> {
    match input {
        Input::Files(files) => {
            let named = files.separately_named().into_iter();
            named.map(|(name, files)| (Input::Files(files), name)).collect()
        }
        Input::Interfaces(_) => [(input, String::new())].into(),
    }
}

/// Locks a mutex. Its data is consistent even after a panic in another thread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
    source: Vec<Bound<'_, PyAny>>,
    parameters: &Bound<'_, PyDict>,
) -> PyResult<bool> {
    let options = from_python(parameters)?.file_options();
    let source = places(&source, false)?;
    let check = || {
        let input = Input::of_places(&source, options)?;
        input.check().map(|()| input.is_live())
    };
    py.detach(check).map_err(|error| capture_error(&error))
}

/// Compiles a packet filter.
#[pyfunction]
pub(crate) fn check_filter(bpf_filter: &str) -> PyResult<()> {
    Filter::new(bpf_filter).map(drop).map_err(|error| capture_error(&error))
}

/// Returns the names of all columns of runs. Tables get that of labels from `label_by`.
#[pyfunction]
pub(crate) fn column_names() -> Vec<&'static str> {
    let of_runs = columns(TimeUnit::default()).filter(|column| column.group != Group::GroundTruth);
    of_runs.map(|column| column.name).collect()
}

/// Returns the roles of all columns by name, those of every time unit and those with the headings of
/// CICFlowMeter.
#[pyfunction]
pub(crate) fn column_roles(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let roles = PyDict::new(py);
    for column in TimeUnit::ALL.into_iter().flat_map(columns) {
        roles.set_item(column.name, column.role.name())?;
        roles.set_item(Headings::Cic.heading(column.name), column.role.name())?;
    }
    Ok(roles)
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
