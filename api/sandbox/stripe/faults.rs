//! What goes wrong between Stripe and whoever calls it, when somebody wants to rehearse it.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It is never answered, and nothing is done.
    TimeoutBefore,
    /// It is done, and never answered.
    TimeoutAfter,
    /// Stripe fails before it does anything; the same key is answered the same again.
    #[serde(rename = "http_500")]
    Http500,
    /// A proxy fails before Stripe hears of it.
    #[serde(rename = "html_502")]
    Html502,
    /// It is done, and answered with something that nobody can read.
    Garbage,
    RateLimit,
    /// It is done, and the connection breaks.
    Reset,
    /// It is at work until the faults are healed; until then its key is in use.
    Stuck,
}

/// The faults that are to come, for each operation in turn, and those that came.
#[derive(Default)]
pub struct Faults {
    coming: HashMap<String, VecDeque<Fault>>,
    fired: BTreeMap<(String, Fault), u64>,
}

impl Faults {
    pub fn script(&mut self, operation: &str, fault: Fault, times: usize) {
        let coming = self.coming.entry(operation.to_owned()).or_default();
        coming.extend(std::iter::repeat_n(fault, times));
    }

    /// Nothing goes wrong any more. What went wrong stays counted.
    pub fn heal(&mut self) {
        self.coming.clear();
    }

    pub fn take(&mut self, operation: &str) -> Option<Fault> {
        let fault = self.coming.get_mut(operation)?.pop_front()?;
        let fired = self.fired.entry((operation.to_owned(), fault)).or_default();
        *fired = fired.saturating_add(1);
        Some(fault)
    }

    pub fn show(&self) -> Value {
        let fired = self.fired.iter();
        let fired: Vec<Value> = fired
            .map(|((operation, fault), times)| {
                json!({"operation": operation, "fault": fault, "fired": times})
            })
            .collect();
        json!(fired)
    }
}
