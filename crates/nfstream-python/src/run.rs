//! A run over a source, as the Python package drives it.

use std::collections::VecDeque;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nfstream::dpi::Limits;
use nfstream::export;
use nfstream::features::{Accounting, COLUMNS, Group, Measuring, Record};
use nfstream::capture::Source as _;
use nfstream::flow::Timeouts;
use nfstream::pipeline::suitable_meters;
use nfstream::time::{Duration, TimeUnit};
use nfstream::{Config, Monitor, Step, capture, decode};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use pyo3_arrow::PyTable;

use crate::error::{capture_error, run_error};
use crate::flow::{FlowType, NFlow};
use crate::hooks::{Host, Plugin, Plugins};

/// One pass over a source: an iterator of its flows.
#[pyclass(frozen, module = "nfstream._engine")]
pub(crate) struct Run {
    kind: Arc<FlowType>,
    monitor: Monitor,
    state: Mutex<State>,
}

struct State {
    run: nfstream::Run,
    plugins: Option<Plugins>,
    ended: bool,
    /// Flows that have been found and not yet been asked for.
    rows: (Arc<Vec<Record>>, usize),
    followed: VecDeque<Py<NFlow>>,
}

/// What one step brought.
enum Found {
    Rows(Vec<Record>),
    Followed(Vec<Record>, Vec<Py<NFlow>>),
}

#[pymethods]
impl Run {
    #[new]
    #[pyo3(signature = (
        source, *, idle_timeout, active_timeout, dissect, max_tcp_dissections,
        max_udp_dissections, features, splt_analysis, accounting_mode, time_unit, track_tcp,
        decode_tunnels, max_nflows, n_meters, plugins, plugin_base,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments of one Python call")]
    fn new(
        py: Python<'_>,
        source: Vec<PathBuf>,
        idle_timeout: f64,
        active_timeout: f64,
        dissect: bool,
        max_tcp_dissections: u32,
        max_udp_dissections: u32,
        features: Vec<String>,
        splt_analysis: usize,
        accounting_mode: u8,
        time_unit: &str,
        track_tcp: bool,
        decode_tunnels: bool,
        max_nflows: u64,
        n_meters: usize,
        plugins: Vec<Bound<'_, PyAny>>,
        plugin_base: Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let limits = Limits { tcp_packets: max_tcp_dissections, udp_packets: max_udp_dissections };
        let config = Config {
            timeouts: Timeouts {
                idle: seconds("idle_timeout", idle_timeout)?,
                active: seconds("active_timeout", active_timeout)?,
            },
            inspection: dissect.then_some(limits),
            measuring: Measuring {
                groups: features.iter().map(|name| group(name)).collect::<PyResult<_>>()?,
                unit: unit(time_unit)?,
                accounting: accounting(accounting_mode)?,
                splt_packets: splt_analysis,
                track_tcp,
            },
            max_flows: NonZeroU64::new(max_nflows),
            decode: decode::Options { tunnels: decode_tunnels },
            ..Config::default()
        };
        let plugins: Vec<_> = plugins
            .iter()
            .map(|plugin| Plugin::new(plugin, &plugin_base))
            .collect::<PyResult<_>>()?;
        let followed = !plugins.is_empty();
        let run = py.detach(|| {
            let source = Box::new(capture::open(&source)?);
            let meters = NonZeroUsize::new(n_meters);
            let meters = meters.unwrap_or_else(|| suitable_meters(source.progress().total_bytes));
            let config = Config { meters, ..config };
            if followed {
                nfstream::Run::with_hooks(source, &config)
            } else {
                nfstream::Run::new(source, &config)
            }
        });
        let run = run.map_err(run_error)?;
        let names: Vec<_> = plugins.iter().map(|p| (p.name.clone(), p.volatile)).collect();
        let kind = Arc::new(FlowType::new(py, Arc::clone(run.schema()), &names));
        let monitor = run.monitor();
        let state = State {
            run,
            plugins: followed.then(|| Plugins::new(plugins)),
            ended: false,
            rows: (Arc::default(), 0),
            followed: VecDeque::new(),
        };
        Ok(Self { kind, monitor, state: Mutex::new(state) })
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<NFlow>>> {
        let mut state = self.lock()?;
        loop {
            let (records, row) = &mut state.rows;
            if *row < records.len() {
                let flow = NFlow::row(Arc::clone(&self.kind), Arc::clone(records), *row);
                *row += 1;
                return Py::new(py, flow).map(Some);
            }
            if let Some(flow) = state.followed.pop_front() {
                return Ok(Some(flow));
            }
            if state.ended {
                return Ok(None);
            }
            match state.advance(py, &self.kind)? {
                Found::Rows(records) => state.rows = (Arc::new(records), 0),
                Found::Followed(_, flows) => state.followed.extend(flows),
            }
        }
    }

    /// Reads the run to its end: the columns as an Arrow table, and a list for each plugin column.
    fn read_table<'py>(&self, py: Python<'py>) -> PyResult<(PyTable, Vec<Bound<'py, PyList>>)> {
        /// Rows of a record batch, at least, but for the last: for less the overhead tells.
        const ROWS: usize = 16_384;

        let schema = Arc::new(export::arrow_schema(self.kind.schema()));
        let to_batch = |records: &[Record]| {
            py.detach(|| export::record_batch(self.kind.schema(), &schema, records))
        };
        let mut state = self.lock()?;
        let plugin_columns = self.kind.plugin_columns(py);
        let values: Vec<_> = plugin_columns.iter().map(|_| PyList::empty(py)).collect();
        let mut batches = Vec::new();
        let mut pending = Vec::new();
        while !state.ended {
            match state.advance(py, &self.kind)? {
                Found::Rows(mut records) => pending.append(&mut records),
                Found::Followed(mut records, flows) => {
                    pending.append(&mut records);
                    for flow in flows {
                        for (name, list) in plugin_columns.iter().zip(&values) {
                            list.append(flow.bind(py).getattr(name)?)?;
                        }
                    }
                }
            }
            if pending.len() >= ROWS {
                batches.push(to_batch(&pending));
                pending.clear();
            }
        }
        batches.push(to_batch(&pending));
        Ok((PyTable::try_new(batches, schema)?, values))
    }

    /// Ends the run, and its threads; what has not been read of it is lost.
    fn close(&self) -> PyResult<()> {
        let mut state = self.lock()?;
        state.ended = true;
        state.run.stop();
        state.rows = (Arc::default(), 0);
        state.followed.clear();
        state.plugins = None;
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
        Ok(dict)
    }

    /// Takes the warnings that have come up since the last call.
    fn take_warnings(&self) -> Vec<String> {
        self.monitor.take_warnings().iter().map(ToString::to_string).collect()
    }
}

impl Run {
    fn lock(&self) -> PyResult<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Ok(state),
            Err(std::sync::TryLockError::Poisoned(error)) => Ok(PoisonError::into_inner(error)),
            // Waiting would hold the interpreter that the other thread needs.
            Err(std::sync::TryLockError::WouldBlock) => Err(PyRuntimeError::new_err(
                "this iterator is in use by another thread, or by a plugin of its own",
            )),
        }
    }
}

impl State {
    /// Works on the next chunk, then lets Python handle signals such as Ctrl-C.
    fn advance(&mut self, py: Python<'_>, kind: &Arc<FlowType>) -> PyResult<Found> {
        py.check_signals()?;
        let step = match &mut self.plugins {
            None => py.detach(|| self.run.advance()),
            Some(plugins) => self.run.advance_with(&mut Host { py, plugins, kind }),
        };
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

/// Opens every file of a source and looks at its first bytes.
#[pyfunction]
pub(crate) fn check_source(py: Python<'_>, source: Vec<PathBuf>) -> PyResult<()> {
    py.detach(|| capture::open(&source).map(drop)).map_err(|error| capture_error(&error))
}

/// Returns the names of all columns that a table can have.
#[pyfunction]
pub(crate) fn column_names() -> Vec<&'static str> {
    COLUMNS.iter().copied().flatten().map(|column| column.name).collect()
}

/// Returns the versions of the engine and of nDPI.
#[pyfunction]
pub(crate) fn versions(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("nfstream", env!("CARGO_PKG_VERSION"))?;
    dict.set_item("ndpi", ndpi::version())?;
    Ok(dict)
}

/// Returns the names of the groups of columns that can be asked for.
#[pyfunction]
pub(crate) fn feature_names() -> Vec<&'static str> {
    let optional = |group: &Group| !matches!(group, Group::Base | Group::Application);
    Group::ALL.into_iter().filter(optional).map(Group::name).collect()
}

fn group(name: &str) -> PyResult<Group> {
    Group::by_name(name).ok_or_else(|| {
        PyValueError::new_err(format!("features must be of {:?}, not {name:?}", feature_names()))
    })
}

fn unit(name: &str) -> PyResult<TimeUnit> {
    match name {
        "ms" => Ok(TimeUnit::Milliseconds),
        "us" => Ok(TimeUnit::Microseconds),
        "ns" => Ok(TimeUnit::Nanoseconds),
        _ => Err(PyValueError::new_err(format!(
            "time_unit must be 'ms', 'us' or 'ns', not {name:?}"
        ))),
    }
}

fn accounting(mode: u8) -> PyResult<Accounting> {
    match mode {
        0 => Ok(Accounting::Frame),
        1 => Ok(Accounting::Ip),
        2 => Ok(Accounting::Transport),
        3 => Ok(Accounting::Payload),
        _ => Err(PyValueError::new_err(format!(
            "accounting_mode must be 0 (frame), 1 (IP), 2 (transport) or 3 (payload), not {mode}"
        ))),
    }
}

fn seconds(name: &str, seconds: f64) -> PyResult<Duration> {
    Duration::try_from_seconds(seconds).ok_or_else(|| {
        PyValueError::new_err(format!(
            "{name} must be a number of seconds from 0 on, not {seconds}"
        ))
    })
}

