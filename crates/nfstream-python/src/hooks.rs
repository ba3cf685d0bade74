//! Plugins: Python code that is called for packets and flows.

use std::collections::HashMap;
use std::sync::Arc;

use nfstream::Dialect;
use nfstream::features::{Record, RecordKind};
use nfstream::flow::{EndReason, Slot};
use nfstream::meter::{Arrival, FlowAction, FlowView, HookError, Hooks};
use nfstream::time::Timestamp;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::flow::{FlowType, NFlow};
use crate::nfstream6::{self, Nfstream6Packet};
use crate::packet::NFPacket;

/// Plugin with the methods that it overrides.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) name: String,
    pub(crate) volatile: bool,
    on_init: Option<Py<PyAny>>,
    on_update: Option<Py<PyAny>>,
    on_expire: Option<Py<PyAny>>,
}

/// Plugins of a run and the flows that they follow.
#[derive(Debug)]
pub(crate) struct Plugins {
    pub(crate) plugins: Vec<Plugin>,
    /// Active flows by slot.
    active: Vec<Option<Py<NFlow>>>,
    /// Recorded flows that wait for their place in the output.
    recorded: HashMap<Place, Py<NFlow>>,
    /// Packet object of the last call.
    packet: LastPacket,
    /// API of the plugins.
    api: Api,
}

/// Id, slice, packets and kind of a record, which identify it.
type Place = (u64, u32, u64, RecordKind);

fn place(record: &Record) -> Place {
    (record.id, record.flow.slice, record.volume.total_packets(), record.kind)
}

/// Packet object of the last call. If a plugin keeps a reference to it, it gets its own copy of the
/// bytes; otherwise it is reused.
#[derive(Debug)]
enum LastPacket {
    None,
    Standard(Py<NFPacket>),
    Nfstream6(Py<Nfstream6Packet>),
}

/// API that plugins are written for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Api {
    /// The API of this package.
    #[default]
    Standard,
    /// The API of nfstream 6; packets are read in this dialect.
    Nfstream6(Dialect),
}

/// Plugins together with the interpreter, as hooks of the engine.
pub(crate) struct Host<'a, 'py> {
    pub(crate) py: Python<'py>,
    pub(crate) plugins: &'a mut Plugins,
    pub(crate) kind: &'a Arc<FlowType>,
}

impl Plugin {
    /// Returns the plugin `object`. Methods that it inherits from `base` are not called.
    pub(crate) fn new(
        object: &Bound<'_, PyAny>,
        base: &Bound<'_, PyAny>,
        api: Api,
    ) -> PyResult<Self> {
        let own = |method: &str| -> PyResult<Option<Py<PyAny>>> {
            let bound = object.getattr(method)?;
            let function = bound.getattr(intern!(object.py(), "__func__")).ok();
            let inherited = function.is_some_and(|f| base.getattr(method).is_ok_and(|b| b.is(&f)));
            Ok((!inherited).then(|| bound.unbind()))
        };
        Ok(Self {
            name: match api {
                Api::Standard => object.getattr("name")?.cast::<PyString>()?.to_string(),
                // All plugins share one attribute of the flow.
                Api::Nfstream6(_) => "udps".to_owned(),
            },
            volatile: match api {
                Api::Standard => object.getattr("volatile")?.is_truthy()?,
                Api::Nfstream6(_) => true,
            },
            on_init: own("on_init")?,
            on_update: own("on_update")?,
            on_expire: own("on_expire")?,
        })
    }
}

impl Plugins {
    pub(crate) fn new(plugins: Vec<Plugin>, api: Api) -> Self {
        Self {
            plugins,
            active: Vec::new(),
            recorded: HashMap::new(),
            packet: LastPacket::None,
            api,
        }
    }

    /// Takes out the flow object of a record.
    pub(crate) fn take_ended(&mut self, record: &Record) -> Option<Py<NFlow>> {
        let flow = self.recorded.remove(&place(record))?;
        if record.scores.is_some() {
            flow.get().with_followed(|followed| followed.record.scores.clone_from(&record.scores));
        }
        Some(flow)
    }

    /// Releases the packet of the last call.
    pub(crate) fn release_packet(&mut self, py: Python<'_>) {
        match std::mem::replace(&mut self.packet, LastPacket::None) {
            LastPacket::None => {}
            LastPacket::Standard(packet) => {
                if !is_only_reference(packet.bind(py)) {
                    packet.get().own();
                }
            }
            LastPacket::Nfstream6(packet) => {
                if !is_only_reference(packet.bind(py)) {
                    packet.get().own();
                }
            }
        }
    }

    fn slot(&mut self, slot: Slot) -> &mut Option<Py<NFlow>> {
        if self.active.len() <= slot.index() {
            self.active.resize_with(slot.index() + 1, || None);
        }
        &mut self.active[slot.index()]
    }
}

impl<'py> Host<'_, 'py> {
    /// Returns the packet of `arrival` as an object.
    fn packet(
        &mut self,
        arrival: Arrival<'_>,
        time: Timestamp,
        time_before: Timestamp,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        if let LastPacket::Standard(packet) = &self.plugins.packet
            && is_only_reference(packet.bind(py))
        {
            packet.get().set(arrival, time);
            return Ok(packet.bind(py).clone().into_any());
        }
        self.plugins.release_packet(py);
        if let Api::Nfstream6(dialect) = self.plugins.api {
            let packet = Nfstream6Packet::new(arrival, time, time_before, dialect);
            let packet = Bound::new(py, packet)?;
            self.plugins.packet = LastPacket::Nfstream6(packet.clone().unbind());
            return Ok(packet.into_any());
        }
        let packet = Bound::new(py, NFPacket::new(arrival, time))?;
        self.plugins.packet = LastPacket::Standard(packet.clone().unbind());
        Ok(packet.into_any())
    }

    fn init(&mut self, view: FlowView<'_>, arrival: Arrival<'_>) -> PyResult<FlowAction> {
        let py = self.py;
        let application = view.dissector.map(|dissector| dissector.peek(view.slot));
        let record = Record {
            id: view.flow.birth,
            flow: *view.flow,
            ended: Timestamp::MAX,
            end_reason: EndReason::EndOfInput,
            kind: RecordKind::Final,
            expiration_id: 0,
            volume: view.state.volume,
            measures: view.measures.map(|measures| Box::new(measures.clone())),
            application: application.unwrap_or_default(),
            process: None,
            places: [None, None],
            ground_truth: None,
            scores: None,
            release: 0,
        };
        let flow = Bound::new(py, NFlow::followed(Arc::clone(self.kind), record))?;
        *self.plugins.slot(view.slot) = Some(flow.clone().unbind());
        let time = view.flow.last_seen;
        let packet = self.packet(arrival, time, time)?;
        if let Api::Nfstream6(_) = self.plugins.api {
            let udps = nfstream6::new_udps(py)?.unbind();
            flow.get().with_followed(|followed| followed.values.push(udps));
            for plugin in &self.plugins.plugins {
                if let Some(on_init) = &plugin.on_init {
                    on_init.bind(py).call1((&packet, &flow))?;
                }
            }
            return Ok(self.action(&flow));
        }
        for plugin in &self.plugins.plugins {
            let value = match &plugin.on_init {
                Some(on_init) => on_init.bind(py).call1((&packet,))?,
                None => 0_u8.into_pyobject(py)?.into_any(),
            };
            flow.get().with_followed(|followed| followed.values.push(value.unbind()));
        }
        Ok(self.action(&flow))
    }

    fn update(&mut self, view: FlowView<'_>, arrival: Arrival<'_>) -> PyResult<FlowAction> {
        let py = self.py;
        let flow = self.plugins.slot(view.slot).as_ref().map(|flow| flow.bind(py).clone());
        // The first packet of every flow calls `on_init`.
        let Some(flow) = flow else { return Ok(FlowAction::Continue) };
        let application = view.dissector.map(|dissector| dissector.peek(view.slot));
        let time = view.flow.last_seen;
        let mut time_before = time;
        flow.get().with_followed(|followed| {
            time_before = followed.record.flow.last_seen;
            followed.record.flow = *view.flow;
            followed.record.volume = view.state.volume;
            if let (Some(mine), Some(new)) = (&mut followed.record.measures, view.measures) {
                mine.as_mut().clone_from(new);
            }
            if let Some(application) = application {
                followed.record.application = application;
            }
        });
        let mut packet = None;
        for index in 0..self.plugins.plugins.len() {
            let Some(on_update) = &self.plugins.plugins[index].on_update else { continue };
            let on_update = on_update.bind(py).clone();
            let packet = match &packet {
                Some(packet) => packet,
                None => packet.insert(self.packet(arrival, time, time_before)?),
            };
            on_update.call1((packet, &flow))?;
        }
        Ok(self.action(&flow))
    }

    /// Returns whether a plugin has ended the flow.
    fn action(&self, flow: &Bound<'_, NFlow>) -> FlowAction {
        let id = flow.get().with_followed(|followed| followed.record.expiration_id);
        match (id, self.plugins.api) {
            (Some(id @ ..=-1), Api::Standard) | (Some(id @ -1), Api::Nfstream6(_)) => {
                FlowAction::End(id)
            }
            _ => FlowAction::Continue,
        }
    }

    fn expire(&mut self, slot: Slot, record: &mut Record) -> PyResult<()> {
        let py = self.py;
        let Some(flow) = self.plugins.slot(slot).take() else { return Ok(()) };
        flow.get().with_followed(|followed| {
            if let (Api::Nfstream6(_), mark @ ..=-1) =
                (self.plugins.api, followed.record.expiration_id)
            {
                record.expiration_id = mark;
            }
            followed.record = record.clone();
        });
        for plugin in &self.plugins.plugins {
            if let Some(on_expire) = &plugin.on_expire {
                on_expire.bind(py).call1((&flow,))?;
            }
        }
        if record.kind != RecordKind::Hidden {
            self.plugins.recorded.insert(place(record), flow);
        }
        Ok(())
    }

    /// Copies the flow as it is now, with the values of its plugins.
    fn record(&mut self, slot: Slot, record: &Record) -> PyResult<()> {
        let py = self.py;
        let Some(flow) = self.plugins.slot(slot) else { return Ok(()) };
        let values = flow.get().with_followed(|followed| {
            followed.values.iter().map(|value| value.clone_ref(py)).collect::<Vec<_>>()
        });
        let deep_copy = py.import(intern!(py, "copy"))?.getattr(intern!(py, "deepcopy"))?;
        let mut copies = Vec::new();
        for value in values.unwrap_or_default() {
            copies.push(deep_copy.call1((value,))?.unbind());
        }
        let copy = Bound::new(py, NFlow::followed(Arc::clone(self.kind), record.clone()))?;
        copy.get().with_followed(|followed| followed.values = copies);
        self.plugins.recorded.insert(place(record), copy.unbind());
        Ok(())
    }
}

impl Hooks for Host<'_, '_> {
    fn on_init(
        &mut self,
        view: FlowView<'_>,
        arrival: Arrival<'_>,
    ) -> Result<FlowAction, HookError> {
        self.init(view, arrival).map_err(HookError::from)
    }

    fn on_update(
        &mut self,
        view: FlowView<'_>,
        arrival: Arrival<'_>,
    ) -> Result<FlowAction, HookError> {
        self.update(view, arrival).map_err(HookError::from)
    }

    fn on_replace(&mut self, slot: Slot) {
        if let Some(flow) = self.plugins.slot(slot) {
            flow.get().with_followed(|followed| followed.record.expiration_id = 0);
        }
    }

    fn on_expire(&mut self, slot: Slot, record: &mut Record) -> Result<(), HookError> {
        self.expire(slot, record).map_err(HookError::from)
    }

    fn on_record(&mut self, slot: Slot, record: &Record) -> Result<(), HookError> {
        self.record(slot, record).map_err(HookError::from)
    }

    fn while_waiting<R: Send>(&mut self, wait: impl FnOnce() -> R + Send) -> R {
        self.py.detach(wait)
    }
}

/// Returns whether this is the only reference to `packet`.
#[allow(unsafe_code, reason = "pyo3 has no safe function for the reference count")]
fn is_only_reference<T>(packet: &Bound<'_, T>) -> bool {
    // SAFETY: `packet` keeps the object alive, and `Bound` proves that the interpreter is attached.
    unsafe { pyo3::ffi::Py_REFCNT(packet.as_ptr()) == 1 }
}
