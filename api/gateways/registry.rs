//! The gateways that this installation has.

use std::sync::Arc;

use super::watched::{Notes, Watched};
use super::{Gateway, dummy};
use crate::clock::Clock;

/// The gateways that are configured.
#[derive(Clone)]
pub struct Gateways {
    all: Vec<Arc<dyn Gateway>>,
    dummy: Option<Arc<dummy::Dummy>>,
    default: Option<String>,
    clock: Clock,
    notes: Arc<Notes>,
}

impl Gateways {
    pub(crate) fn new(dummy: Option<dummy::Dummy>, default: Option<String>, clock: Clock) -> Self {
        let dummy = dummy.map(Arc::new);
        let mut gateways = Self {
            all: Vec::new(),
            dummy: dummy.clone(),
            default,
            clock,
            notes: Arc::default(),
        };
        if let Some(dummy) = dummy {
            gateways.add(dummy);
        }
        gateways
    }

    /// One more, which takes what names it.
    pub(crate) fn add(&mut self, gateway: Arc<dyn Gateway>) {
        self.all.push(Arc::new(Watched {
            gateway,
            notes: self.notes.clone(),
            clock: self.clock.clone(),
        }));
    }

    /// With one more gateway, which is then the default.
    #[must_use]
    pub fn with(mut self, gateway: Arc<dyn Gateway>) -> Self {
        self.default = Some(gateway.id().to_owned());
        self.add(gateway);
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Gateway>> {
        self.all.iter()
    }

    pub fn find(&self, id: &str) -> Option<&Arc<dyn Gateway>> {
        self.all.iter().find(|gateway| gateway.id() == id)
    }

    /// The gateway of a payment that names none.
    pub fn default(&self) -> Option<&Arc<dyn Gateway>> {
        self.find(self.default.as_deref()?)
    }

    /// Whether the default that is configured exists.
    pub fn default_is_known(&self) -> bool {
        self.default.is_none() || self.default().is_some()
    }

    /// What was asked of them, and nobody has written down.
    pub(crate) fn notes(&self) -> &Notes {
        &self.notes
    }

    pub(crate) fn dummy(&self) -> Option<&Arc<dummy::Dummy>> {
        self.dummy.as_ref()
    }
}
