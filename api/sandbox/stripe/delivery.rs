//! How events are posted to endpoints: signed anew each time, three times at most.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Stripe;
use super::account::Account;
use super::signature;

/// Stripe spreads a test account's three tries over some hours; here they come sooner, by the
/// sandbox's clock.
const RETRY_SECONDS: [i64; 2] = [60, 600];

/// How often it is looked whether something is due: the clock can be moved by others.
const LOOK: Duration = Duration::from_millis(50);

/// What becomes of new messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Normal,
    /// They wait until they are released.
    Hold,
    /// They are lost.
    Drop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Waiting,
    Held,
    Sending,
    Delivered,
    GivenUp,
    Dropped,
}

/// One event for one endpoint.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    pub event: String,
    pub endpoint: String,
    pub state: State,
    pub attempts: usize,
    due: i64,
    /// The status of the last answer, if there was one.
    status: Option<u16>,
}

#[derive(Default)]
pub struct Post {
    pub mode: Mode,
    pub deliveries: Vec<Delivery>,
}

impl Post {
    pub fn send(&mut self, event: &str, endpoint: &str, now: i64) {
        let state = match self.mode {
            Mode::Normal => State::Waiting,
            Mode::Hold => State::Held,
            Mode::Drop => State::Dropped,
        };
        self.deliveries.push(Delivery {
            event: event.to_owned(),
            endpoint: endpoint.to_owned(),
            state,
            attempts: 0,
            due: now,
            status: None,
        });
    }

    fn of<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Delivery> {
        self.deliveries
            .iter()
            .filter(move |delivery| delivery.event == event)
    }

    /// How many endpoints have not taken an event yet.
    pub fn pending(&self, event: &str) -> usize {
        let is_pending =
            |delivery: &&Delivery| !matches!(delivery.state, State::Delivered | State::Dropped);
        self.of(event).filter(is_pending).count()
    }

    pub fn is_delivered(&self, event: &str) -> bool {
        self.of(event)
            .all(|delivery| delivery.state == State::Delivered)
    }

    /// Changes what has not been sent of an event. Answers how many there were.
    pub fn change(&mut self, event: &str, state: State, due: i64) -> usize {
        let open = self.deliveries.iter_mut().filter(|delivery| {
            delivery.event == event && matches!(delivery.state, State::Waiting | State::Held)
        });
        open.map(|delivery| {
            delivery.state = state;
            delivery.due = due;
        })
        .count()
    }

    /// Takes all that is held, the oldest first: events and endpoints. Whoever takes them
    /// posts them.
    pub fn release(&mut self) -> Vec<(String, String)> {
        let held = self
            .deliveries
            .iter_mut()
            .filter(|delivery| delivery.state == State::Held);
        held.map(|delivery| {
            delivery.state = State::Delivered;
            delivery.attempts = delivery.attempts.saturating_add(1);
            (delivery.event.clone(), delivery.endpoint.clone())
        })
        .collect()
    }

    fn is_busy(&self, now: i64) -> bool {
        self.deliveries.iter().any(|delivery| match delivery.state {
            State::Sending => true,
            State::Waiting => delivery.due <= now,
            _ => false,
        })
    }

    /// Takes the first that is due.
    fn take(&mut self, now: i64) -> Option<usize> {
        let due = self
            .deliveries
            .iter()
            .enumerate()
            .filter(|(_, delivery)| delivery.state == State::Waiting && delivery.due <= now);
        let (index, _) = due.min_by_key(|(index, delivery)| (delivery.due, *index))?;
        let delivery = self.deliveries.get_mut(index)?;
        delivery.state = State::Sending;
        delivery.attempts = delivery.attempts.saturating_add(1);
        Some(index)
    }

    /// Its endpoint is gone, or the event is.
    fn drop_one(&mut self, index: usize) {
        if let Some(delivery) = self.deliveries.get_mut(index) {
            delivery.state = State::Dropped;
        }
    }

    fn finish(&mut self, index: usize, status: Option<u16>, now: i64) {
        let Some(delivery) = self.deliveries.get_mut(index) else {
            return;
        };
        delivery.status = status;
        if status.is_some_and(|status| (200..300).contains(&status)) {
            delivery.state = State::Delivered;
        } else if let Some(wait) = RETRY_SECONDS.get(delivery.attempts.saturating_sub(1)) {
            delivery.state = State::Waiting;
            delivery.due = now.saturating_add(*wait);
        } else {
            delivery.state = State::GivenUp;
        }
    }
}

/// A message as it is posted.
pub struct Message {
    pub event: String,
    pub kind: &'static str,
    pub endpoint: String,
    pub url: String,
    pub body: String,
    pub signature: String,
}

/// How a message differs from what it should be.
#[derive(Debug, Default, Clone)]
pub struct Twist {
    /// Signed with a secret that is not the endpoint's.
    pub is_forged: bool,
    /// Signed so many seconds ago.
    pub age_seconds: i64,
    pub version: Option<String>,
}

impl Account {
    /// An event for an endpoint; `None` when either is gone.
    pub fn message(&self, event: &str, endpoint: &str, twist: &Twist) -> Option<Message> {
        let event = self.events.find(event)?;
        let endpoint = self.endpoints.find(endpoint)?;
        let version = twist.version.as_deref().unwrap_or(endpoint.version());
        let body = event
            .show(version, self.post.pending(&event.id))
            .to_string();
        let secrets = if twist.is_forged {
            vec![super::ids::new("whsec_", 32)]
        } else {
            endpoint.secrets(self.now)
        };
        let at = self.now.saturating_sub(twist.age_seconds);
        Some(Message {
            event: event.id.clone(),
            kind: event.kind,
            endpoint: endpoint.id.clone(),
            url: endpoint.url.clone(),
            signature: signature::header(&secrets, at, &body),
            body,
        })
    }
}

impl Stripe {
    /// Posts what is due, one after the other, until the sandbox stops.
    pub async fn deliver_until_stopped(self: Arc<Self>) {
        let mut look = tokio::time::interval(LOOK);
        while !self.stop.is_cancelled() {
            let sent = tokio::select! {
                sent = self.deliver_next() => sent,
                () = self.stop.cancelled() => return,
            };
            if sent {
                continue;
            }
            self.quiet.notify_waiters();
            tokio::select! {
                _ = look.tick() => {}
                () = self.wake.notified() => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Whether there was something to post.
    async fn deliver_next(&self) -> bool {
        let taken = {
            let mut account = self.lock();
            let now = account.now;
            let index = account.post.take(now);
            index.map(|index| {
                let delivery = account.post.deliveries.get(index);
                let message = delivery.and_then(|delivery| {
                    account.message(&delivery.event, &delivery.endpoint, &Twist::default())
                });
                (index, message)
            })
        };
        let Some((index, message)) = taken else {
            return false;
        };
        let Some(message) = message else {
            self.lock().post.drop_one(index);
            return true;
        };
        let status = self.post(&message).await;
        let mut account = self.lock();
        let now = account.now;
        account.post.finish(index, status, now);
        true
    }

    /// Posts a message once. Answers the status, if there was an answer.
    pub async fn post(&self, message: &Message) -> Option<u16> {
        let request = self
            .client
            .post(&message.url)
            .header("content-type", "application/json; charset=utf-8")
            .header(
                "user-agent",
                "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            )
            .header("stripe-signature", &message.signature)
            .body(message.body.clone());
        match request.send().await {
            Ok(answer) => Some(answer.status().as_u16()),
            Err(error) => {
                let error = error.without_url();
                tracing::info!(endpoint = message.endpoint, %error, "an endpoint does not answer");
                None
            }
        }
    }

    /// Waits until nothing that is due is left to be posted.
    pub async fn settled(&self) {
        loop {
            let quiet = self.quiet.notified();
            tokio::pin!(quiet);
            quiet.as_mut().enable();
            let is_busy = {
                let account = self.lock();
                account.post.is_busy(account.now)
            };
            if !is_busy {
                return;
            }
            self.wake.notify_one();
            tokio::select! {
                () = quiet => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Posts messages at once, outside of their order and tries. Answers what came of each.
    pub async fn post_all(&self, messages: Vec<Message>) -> Value {
        let mut sent = Vec::new();
        for message in messages {
            let status = self.post(&message).await;
            sent.push(json!({
                "event": message.event, "type": message.kind, "endpoint": message.endpoint, "status": status,
            }));
        }
        json!({"sent": sent})
    }
}
