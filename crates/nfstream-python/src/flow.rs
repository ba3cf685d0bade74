//! Flow objects for Python.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nfstream::Rules;
use nfstream::features::{
    Column, Group, Read, Record, RecordPool, Schema, Value, columns, nearest,
};
use nfstream::time::TimeUnit;
use pyo3::exceptions::{PyAttributeError, PyKeyError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::{flow_copy, html, nfstream6};

/// Data shared by all flows of a run.
#[derive(Debug)]
pub(crate) struct FlowType {
    schema: Arc<Schema>,
    /// Names of all attributes, interned; columns first, plugins after them.
    names: Vec<Py<PyString>>,
    /// Attributes by the address of their interned name, which attribute access in code uses.
    by_address: HashMap<usize, Attribute, foldhash::fast::FixedState>,
    by_name: HashMap<String, Attribute>,
    plugins: Vec<PluginColumn>,
    /// Name of the capture of all flows, the value of the only attribute after the columns.
    origin: Option<Py<PyString>>,
    /// Rules of the run, which also determine the behaviour of its flows in Python.
    rules: Rules,
    /// Cached names of labels, by column and code.
    labels: Mutex<HashMap<(usize, u32), Py<PyString>, foldhash::fast::FixedState>>,
    /// Type of `to_namedtuple()`, created on first use.
    named_tuple: Mutex<Option<Py<PyAny>>>,
    used: Option<Used>,
}

/// Records of rows that Python has dropped; their memory returns to the pool.
#[derive(Debug)]
struct Used {
    pool: RecordPool,
    records: Mutex<Vec<Record>>,
}

#[derive(Debug)]
struct PluginColumn {
    name: Py<PyString>,
    volatile: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Attribute {
    Column(usize),
    Plugin(usize),
}

/// A flow: a row of the table, or a flow that plugins follow.
#[pyclass(frozen, module = "nfstream", name = "NFlow")]
#[derive(Debug)]
pub(crate) struct NFlow {
    kind: Arc<FlowType>,
    content: Content,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all flows are rows")]
enum Content {
    /// A row of the table.
    Row(Record),
    /// A flow that plugins follow.
    Followed(Box<Mutex<Followed>>),
    /// A copy, by attribute.
    Copy(Vec<Py<PyAny>>),
}

/// A flow with the values of its plugins.
#[derive(Debug)]
pub(crate) struct Followed {
    pub(crate) record: Record,
    pub(crate) values: Vec<Py<PyAny>>,
    /// Column values replaced by plugins, which nfstream 6 allows.
    replaced: HashMap<usize, Py<PyAny>>,
}

impl FlowType {
    /// Returns the type of a run's flows; `plugins` lists names and whether they are volatile. The
    /// memory of dropped rows returns to `pool`.
    pub(crate) fn new(
        py: Python<'_>,
        schema: Arc<Schema>,
        plugins: &[(String, bool)],
        rules: Rules,
        pool: Option<RecordPool>,
    ) -> Self {
        let mut kind = Self {
            schema: Arc::clone(&schema),
            names: Vec::new(),
            by_address: HashMap::default(),
            by_name: HashMap::new(),
            plugins: Vec::new(),
            origin: None,
            rules,
            labels: Mutex::default(),
            named_tuple: Mutex::default(),
            used: pool.map(|pool| Used { pool, records: Mutex::default() }),
        };
        for (index, column) in schema.columns().iter().enumerate() {
            kind.add(py, column.name, Attribute::Column(index));
        }
        for (index, (name, volatile)) in plugins.iter().enumerate() {
            let name = kind.add(py, name, Attribute::Plugin(index));
            kind.plugins.push(PluginColumn { name, volatile: *volatile });
        }
        kind
    }

    /// Adds the attribute `name` with the name of the capture of all flows. There must be no
    /// plugins.
    pub(crate) fn set_origin(&mut self, py: Python<'_>, name: &str, origin: &str) {
        let name = self.add(py, name, Attribute::Plugin(0));
        self.plugins.push(PluginColumn { name, volatile: false });
        self.origin = Some(PyString::new(py, origin).unbind());
    }

    pub(crate) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Returns the rules of the run.
    pub(crate) fn rules(&self) -> Rules {
        self.rules
    }

    /// Returns the names of all attributes, and whether each belongs to a volatile plugin.
    pub(crate) fn attribute_names<'py>(
        &self,
        py: Python<'py>,
    ) -> impl Iterator<Item = (Bound<'py, PyString>, bool)> {
        let columns = self.names.len() - self.plugins.len();
        let columns = std::iter::repeat_n(false, columns);
        let volatile = columns.chain(self.plugins.iter().map(|plugin| plugin.volatile));
        self.names.iter().map(move |name| name.bind(py).clone()).zip(volatile)
    }

    /// Returns the names of the plugins that have a column.
    pub(crate) fn plugin_columns<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyString>> {
        if self.origin.is_some() { Vec::new() } else { self.added_columns(py) }
    }

    /// Returns the names of the columns after the engine's.
    fn added_columns<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyString>> {
        let plugins = self.plugins.iter().filter(|plugin| !plugin.volatile);
        plugins.map(|plugin| plugin.name.bind(py).clone()).collect()
    }

    fn add(&mut self, py: Python<'_>, name: &str, attribute: Attribute) -> Py<PyString> {
        let interned = PyString::intern(py, name).unbind();
        self.by_address.insert(address(interned.bind(py)), attribute);
        self.by_name.insert(name.to_owned(), attribute);
        self.names.push(interned.clone_ref(py));
        interned
    }

    fn attribute(&self, name: &Bound<'_, PyString>) -> Option<Attribute> {
        let known = self.by_address.get(&address(name)).copied();
        known.or_else(|| self.by_name.get(name.to_cow().ok()?.as_ref()).copied())
    }

    /// Adds advice to the error of an attribute that does not exist.
    fn with_advice(&self, py: Python<'_>, name: &Bound<'_, PyString>, error: PyErr) -> PyErr {
        let Ok(name) = name.to_cow() else { return error };
        // Python and its libraries look for these names.
        if name.starts_with('_') || !error.is_instance_of::<PyAttributeError>(py) {
            return error;
        }
        let all = || TimeUnit::ALL.into_iter().flat_map(columns);
        let requirement = |name: &str| {
            let column = all().find(|column| column.name == name)?;
            match column.group {
                group if group.is_feature() => Some(format!("needs features='{}'", group.name())),
                group if group.needs_inspection() => Some("needs dissect=True".to_owned()),
                _ => None,
            }
        };
        let advice = if let Some(requirement) = requirement(&name) {
            format!("it {requirement}")
        } else if let Some(group) = Group::by_name(&name).filter(|group| group.is_feature()) {
            format!("features='{}' adds the columns of this group", group.name())
        } else if let Some(meant) = nearest(&name, self.by_name.keys().map(String::as_str)) {
            format!("did you mean '{meant}'?")
        } else if let Some(meant) = nearest(&name, all().map(|column| column.name))
            && let Some(requirement) = requirement(meant)
        {
            format!("did you mean '{meant}', which {requirement}?")
        } else {
            return error;
        };
        PyAttributeError::new_err(format!("a flow has no '{name}'; {advice}"))
    }

    /// Returns the names of the columns without those of volatile plugins.
    fn column_names<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyString>> {
        let columns = self.names[..self.schema.columns().len()].iter();
        columns.map(|name| name.bind(py).clone()).chain(self.added_columns(py)).collect()
    }

    /// Returns the value of column `index` in `record`.
    fn value<'py>(
        &self,
        py: Python<'py>,
        index: usize,
        record: &Record,
    ) -> PyResult<Bound<'py, PyAny>> {
        let column: &Column = self.schema.columns()[index];
        if let Read::Name { code, name } = column.read {
            let code = code(record);
            let mut labels = lock(&self.labels);
            let label = labels.entry((index, code)).or_insert_with(|| {
                let mut text = String::new();
                name(self.schema.names(), code, &mut text);
                PyString::new(py, &text).unbind()
            });
            return Ok(label.bind(py).clone().into_any());
        }
        Ok(match column.value(record, self.schema.names()) {
            Value::Null => py.None().into_bound(py),
            Value::Integer(number) => number.into_pyobject(py)?.into_any(),
            Value::Float(number) => number.into_pyobject(py)?.into_any(),
            Value::Bool(flag) => PyBool::new(py, flag).to_owned().into_any(),
            Value::List(list) => PyList::new(py, list)?.into_any(),
            Value::Floats(list) => PyList::new(py, list)?.into_any(),
            Value::Bytes(bytes) => PyBytes::new(py, &bytes).into_any(),
            Value::Text(text) => PyString::new(py, &text).into_any(),
        })
    }
}

impl NFlow {
    pub(crate) fn row(kind: Arc<FlowType>, record: Record) -> Self {
        Self { kind, content: Content::Row(record) }
    }

    /// Returns a flow with these values of all its attributes.
    pub(crate) fn copy(kind: Arc<FlowType>, values: Vec<Py<PyAny>>) -> Self {
        Self { kind, content: Content::Copy(values) }
    }

    pub(crate) fn followed(kind: Arc<FlowType>, record: Record) -> Self {
        let followed = Followed { record, values: Vec::new(), replaced: HashMap::new() };
        let content = Content::Followed(Box::new(Mutex::new(followed)));
        Self { kind, content }
    }

    /// Calls `work` on a flow that plugins follow; returns `None` for any other flow.
    pub(crate) fn with_followed<R>(&self, work: impl FnOnce(&mut Followed) -> R) -> Option<R> {
        match &self.content {
            Content::Row(_) | Content::Copy(_) => None,
            Content::Followed(followed) => Some(work(&mut lock(followed))),
        }
    }

    fn get<'py>(&self, py: Python<'py>, attribute: Attribute) -> PyResult<Bound<'py, PyAny>> {
        match (&self.content, attribute) {
            (Content::Row(record), Attribute::Column(column)) => {
                self.kind.value(py, column, record)
            }
            (Content::Followed(followed), Attribute::Column(column)) => {
                let followed = lock(followed);
                if let Some(value) = followed.replaced.get(&column) {
                    return Ok(value.bind(py).clone());
                }
                self.kind.value(py, column, &followed.record)
            }
            (Content::Followed(followed), Attribute::Plugin(plugin)) => {
                let value = lock(followed).values.get(plugin).map(|value| value.clone_ref(py));
                value.map(|value| value.into_bound(py)).ok_or_else(|| {
                    let name = &self.kind.plugins[plugin].name;
                    PyAttributeError::new_err(format!(
                        "the value of plugin '{name}' is not set before its on_init"
                    ))
                })
            }
            (Content::Copy(values), Attribute::Column(place) | Attribute::Plugin(place)) => {
                let value = values.get(place).map(|value| value.bind(py).clone());
                value.ok_or_else(|| PyAttributeError::new_err("the copy has no such value"))
            }
            (Content::Row(_), Attribute::Plugin(_)) if self.kind.rules == Rules::Nfstream6 => {
                nfstream6::new_udps(py)
            }
            (Content::Row(_), Attribute::Plugin(plugin)) => {
                if let Some(origin) = &self.kind.origin {
                    return Ok(origin.bind(py).clone().into_any());
                }
                Err(PyAttributeError::new_err(self.kind.plugins[plugin].name.to_string()))
            }
        }
    }

    fn attributes(&self) -> impl Iterator<Item = Attribute> + '_ {
        let columns = (0..self.kind.schema.columns().len()).map(Attribute::Column);
        let plugins = self.kind.plugins.iter().enumerate().filter(|(_, plugin)| !plugin.volatile);
        columns.chain(plugins.map(|(index, _)| Attribute::Plugin(index)))
    }

    /// Returns the values that plugins of nfstream 6 have added; none for plugins of this package.
    fn udps_items<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Vec<(Bound<'py, PyString>, Bound<'py, PyAny>)>> {
        match (&self.content, self.kind.rules) {
            (Content::Followed(_), Rules::Nfstream6) => {
                nfstream6::udps_items(&self.get(py, Attribute::Plugin(0))?)
            }
            (Content::Copy(_), Rules::Nfstream6) => match self.kind.by_name.get("udps") {
                Some(udps) => nfstream6::udps_items(&self.get(py, *udps)?),
                None => Ok(Vec::new()),
            },
            _ => Ok(Vec::new()),
        }
    }

    fn column_values<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.attributes().map(|attribute| self.get(py, attribute)).collect()
    }

    /// Returns the columns that identify the flow, names that it has, and the columns of plugins.
    fn important<'py>(&self, py: Python<'py>) -> PyResult<Vec<html::Field<'py>>> {
        let own = self.kind.schema.columns().len();
        let names = self.kind.column_names(py).into_iter().enumerate();
        let mut fields: Vec<html::Field<'py>> = Vec::new();
        for ((place, name), value) in names.zip(self.column_values(py)?) {
            let text = name.to_string_lossy();
            // Copies have only names.
            let is_of_plugin = place >= own && !is_column(&text);
            let is_shown = is_of_plugin || IDENTITY.contains(&&*text) || {
                // Several columns may hold the same name.
                let is_known = |field: &html::Field<'py>| field.1.eq(&value).unwrap_or(false);
                NAMES.contains(&&*text) && value.is_truthy()? && !fields.iter().any(is_known)
            };
            if is_shown {
                fields.push((name, value));
            }
        }
        Ok(fields)
    }
}

#[pymethods]
impl NFlow {
    fn __getattribute__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let flow = slf.get();
        match flow.kind.attribute(name) {
            Some(attribute) => flow.get(py, attribute),
            None => {
                let object = py.get_type::<PyAny>();
                object.call_method1(intern!(py, "__getattribute__"), (slf, name))
            }
        }
    }

    /// Raises the error for an attribute that is missing: PyO3 drops that of `__getattribute__`.
    fn __getattr__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let error = |error| slf.get().kind.with_advice(slf.py(), name, error);
        Self::__getattribute__(slf, name).map_err(error)
    }

    fn __setattr__(&self, name: &Bound<'_, PyString>, value: Bound<'_, PyAny>) -> PyResult<()> {
        let Content::Followed(followed) = &self.content else {
            return Err(PyAttributeError::new_err(format!("a flow's '{name}' cannot be set")));
        };
        match self.kind.attribute(name) {
            Some(Attribute::Plugin(plugin)) => {
                // The old value is dropped after the lock is released: its finalizer may access the
                // flow.
                let value = value.unbind();
                let mut followed = lock(followed);
                let _old = followed.values.get_mut(plugin).map(|old| std::mem::replace(old, value));
                drop(followed);
                Ok(())
            }
            _ if name.to_cow()? == "expiration_id" => {
                let id = value.extract::<i32>()?;
                if id >= 0 && self.kind.rules == Rules::Standard {
                    return Err(PyValueError::new_err(format!(
                        "expiration_id must be set to a number below 0 to end a flow, not {id}"
                    )));
                }
                lock(followed).record.expiration_id = id;
                Ok(())
            }
            Some(Attribute::Column(column)) if self.kind.rules == Rules::Nfstream6 => {
                let _old = lock(followed).replaced.insert(column, value.unbind());
                Ok(())
            }
            _ => Err(PyAttributeError::new_err(format!(
                "'{name}' cannot be set: a plugin sets its own value, or that of another plugin"
            ))),
        }
    }

    /// Returns the names of the columns in order.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let names = PyList::new(py, self.kind.column_names(py))?;
        for (name, _) in self.udps_items(py)? {
            names.append(name)?;
        }
        Ok(names)
    }

    /// Returns the values of the columns in order.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let values = PyList::new(py, self.column_values(py)?)?;
        for (_, value) in self.udps_items(py)? {
            values.append(value)?;
        }
        Ok(values)
    }

    /// Returns the columns by name.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, value) in self.kind.column_names(py).into_iter().zip(self.column_values(py)?) {
            dict.set_item(name, value)?;
        }
        Ok(dict)
    }

    /// Returns the columns as a named tuple, `NFlow(id=0, …)`.
    fn to_namedtuple<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let made = lock(&self.kind.named_tuple).as_ref().map(|kind| kind.bind(py).clone());
        let kind = match made {
            Some(kind) => kind,
            None => {
                let make = py.import(intern!(py, "collections"))?.getattr("namedtuple")?;
                let kind = make.call1(("NFlow", self.kind.column_names(py)))?;
                *lock(&self.kind.named_tuple) = Some(kind.clone().unbind());
                kind
            }
        };
        kind.call1(PyTuple::new(py, self.column_values(py)?)?)
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match self.kind.attribute(name) {
            Some(attribute) => self.get(py, attribute),
            None => Err(PyKeyError::new_err(name.clone().unbind())),
        }
    }

    /// Returns the function and arguments that create a copy, for `copy` and `pickle`.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let (py, flow) = (slf.py(), slf.get());
        let columns = (0..flow.kind.schema.columns().len()).map(Attribute::Column);
        let plugins = (0..flow.kind.plugins.len()).map(Attribute::Plugin);
        let values = columns.chain(plugins).map(|attribute| flow.get(py, attribute));
        let values = PyTuple::new(py, values.collect::<PyResult<Vec<_>>>()?)?;
        flow_copy::call(py, &flow.kind, values)
    }

    fn __dir__<'py>(slf: &Bound<'py, Self>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let py = slf.py();
        let object = py.get_type::<PyAny>();
        let mut names: Vec<_> = object
            .call_method1(intern!(py, "__dir__"), (slf,))?
            .try_iter()?
            .collect::<PyResult<_>>()?;
        names.extend(slf.get().kind.names.iter().map(|name| name.bind(py).clone().into_any()));
        Ok(names)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        if self.kind.rules == Rules::Nfstream6 {
            return nfstream6::flow_text(&self.keys(py)?, &self.values(py)?);
        }
        let fields = self.important(py)?.into_iter();
        let fields = fields.map(|(name, value)| Ok(format!("{name}={}", value.repr()?)));
        Ok(format!("NFlow({})", fields.collect::<PyResult<Vec<_>>>()?.join(", ")))
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let all = self.kind.column_names(py).into_iter().zip(self.column_values(py)?);
        let all: Vec<_> = all.collect();
        let important =
            if self.kind.rules == Rules::Nfstream6 { Vec::new() } else { self.important(py)? };
        html::flow(&important, &all)
    }
}

impl Drop for NFlow {
    fn drop(&mut self) {
        let Content::Row(record) = std::mem::replace(&mut self.content, Content::Copy(Vec::new()))
        else {
            return;
        };
        if let (Some(used), Some(_)) = (&self.kind.used, &record.measures) {
            let mut records = lock(&used.records);
            records.push(record);
            if records.len() >= Used::BATCH {
                used.pool.put_back(records.drain(..));
            }
        }
    }
}

/// Returns whether a column of the engine has this name.
fn is_column(name: &str) -> bool {
    TimeUnit::ALL.into_iter().any(|unit| columns(unit).any(|column| column.name == name))
}

/// Columns that identify a flow.
const IDENTITY: [&str; 9] = [
    "id",
    "src_port",
    "dst_port",
    "protocol",
    "src_ip",
    "dst_ip",
    "total_packets",
    "total_bytes",
    "application_name",
];

/// Columns of names, shown where they are not empty.
const NAMES: [&str; 10] = [
    "client_info",
    "server_info",
    "requested_server_name",
    "dns_name",
    "tls_server_name",
    "dns_query_name",
    "http_host",
    "dhcp_host_name",
    "risks",
    "system_process_name",
];

impl Used {
    /// Records that are returned together.
    const BATCH: usize = 512;
}

/// Locks a mutex. Its data is consistent even after a panic in another thread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn address(name: &Bound<'_, PyString>) -> usize {
    name.as_ptr().addr()
}
