//! Every call to the API: who asks, what goes wrong, the key, the work, the answer.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;

use super::Stripe;
use super::account::Account;
use super::call::{Answer, Call};
use super::error::{ApiError, Outcome};
use super::faults::Fault;
use super::idempotency::Stored;
use super::operations::Operation;
use super::params::Params;

pub async fn serve(
    stripe: web::Data<Stripe>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let stripe = stripe.into_inner();
    let call = Call::of(&request, body);
    let found = match find(&call) {
        Ok(found) => found,
        Err(error) => return call.respond(call.refuse(&error)),
    };
    // Counted apart: the account is locked no longer than that.
    let fault = stripe.lock().count(found.0);
    let response = match fault {
        None => call.respond(stripe.run(&call, &found)),
        Some(fault) => return stripe.go_wrong(fault, call, found).await,
    };
    stripe.wake.notify_one();
    response
}

/// The operation, and the id in its path.
type Found = (&'static Operation, String);

fn find(call: &Call) -> Outcome<Found> {
    call.check()?;
    let path = call.path.strip_prefix("/v1/").unwrap_or_default();
    let found = Operation::find(&call.method, path);
    found.ok_or_else(|| ApiError::unknown_url(&call.method, &call.path))
}

impl Stripe {
    /// Does what is asked, once for each key.
    fn run(&self, call: &Call, found: &Found) -> Answer {
        let mut account = self.lock();
        match account.claim(call) {
            Ok(None) => account.perform(call, found),
            Ok(Some(answer)) => answer,
            Err(error) => call.refuse(&error),
        }
    }

    async fn go_wrong(self: &Arc<Self>, fault: Fault, call: Call, found: Found) -> HttpResponse {
        match fault {
            Fault::TimeoutBefore => self.hang().await,
            Fault::TimeoutAfter => {
                self.run(&call, &found);
                self.wake.notify_one();
                self.hang().await
            }
            Fault::Http500 => call.respond(self.lock().fail(&call)),
            Fault::Html502 => HttpResponse::BadGateway()
                .content_type("text/html")
                .body("<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"),
            Fault::RateLimit => call.respond(call.refuse(&ApiError::rate_limited())),
            Fault::Garbage => {
                let answer = self.run(&call, &found);
                self.wake.notify_one();
                let half = answer.body.len().checked_div(2).unwrap_or_default();
                let cut: String = answer.body.chars().take(half).collect();
                call.respond(Answer { body: cut, ..answer })
            }
            Fault::Reset => {
                self.run(&call, &found);
                self.wake.notify_one();
                broken()
            }
            Fault::Stuck => self.run_when_healed(call, found).await,
        }
    }

    /// Never answers. The connection ends with the sandbox, if the client does not give up first.
    async fn hang(&self) -> HttpResponse {
        self.stop.cancelled().await;
        broken()
    }

    /// Takes the key at once, and does the work when the faults are over, whether the client
    /// still waits or not.
    async fn run_when_healed(self: &Arc<Self>, call: Call, found: Found) -> HttpResponse {
        // From before the claim on, so that no healing is missed.
        let stripe = self.clone();
        let work = async move {
            let healed = stripe.healed.notified();
            tokio::pin!(healed);
            healed.as_mut().enable();
            let claimed = stripe.lock().claim(&call);
            match claimed {
                Ok(None) => {}
                Ok(Some(answer)) => return (call, answer),
                Err(error) => {
                    let answer = call.refuse(&error);
                    return (call, answer);
                }
            }
            tokio::select! {
                () = healed => {}
                () = stripe.stop.cancelled() => {}
            }
            let answer = stripe.lock().perform(&call, &found);
            stripe.wake.notify_one();
            (call, answer)
        };
        match tokio::spawn(work).await {
            Ok((call, answer)) => call.respond(answer),
            Err(_) => broken(),
        }
    }
}

impl Account {
    /// Counts a call. Answers what is to go wrong with it.
    fn count(&mut self, operation: &Operation) -> Option<Fault> {
        let calls = self.calls.entry(operation.name).or_default();
        *calls = calls.saturating_add(1);
        self.faults.take(operation.name)
    }

    fn claim(&mut self, call: &Call) -> Outcome<Option<Answer>> {
        let Some((key, fingerprint)) = call.key() else {
            return Ok(None);
        };
        let known = self.answers.claim(key, fingerprint, self.now)?;
        Ok(known.map(Answer::from))
    }

    /// Does the work, and keeps the answer under its key if any work was begun.
    fn perform(&mut self, call: &Call, found: &Found) -> Answer {
        self.caller = Some(call.caller.clone());
        let done = self.execute(call, found);
        self.caller = None;
        let (answer, is_kept) = match done {
            Ok(body) => {
                let answer = Answer {
                    status: 200,
                    body,
                    replayed_from: None,
                };
                (answer, true)
            }
            Err(error) => (call.refuse(&error), error.is_kept),
        };
        self.keep(call, &answer, is_kept);
        answer
    }

    fn execute(&mut self, call: &Call, (operation, id): &Found) -> Outcome<String> {
        let mut params = Params::new(call.parameters()?);
        let expand = params.texts("expand")?;
        let mut answer = (operation.run)(self, id, params)?;
        for path in &expand {
            self.expand(&mut answer, path)?;
        }
        Ok(format!("{answer:#}"))
    }

    /// Fails before anything is done; the failure is the answer to its key.
    fn fail(&mut self, call: &Call) -> Answer {
        match self.claim(call) {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                let answer = call.refuse(&ApiError::server());
                self.keep(call, &answer, true);
                answer
            }
            Err(error) => call.refuse(&error),
        }
    }

    fn keep(&mut self, call: &Call, answer: &Answer, is_kept: bool) {
        let Some((key, _)) = call.key() else {
            return;
        };
        if !is_kept {
            self.answers.release(key);
            return;
        }
        let stored = Stored {
            status: answer.status,
            body: answer.body.clone(),
            request: call.caller.request.clone(),
        };
        self.answers.keep(key, stored);
    }
}

/// No answer: the body fails before a byte of the head was sent, and the connection is dropped.
fn broken() -> HttpResponse {
    let body =
        stream::once(async { Err::<web::Bytes, _>(std::io::Error::other("reset on purpose")) });
    HttpResponse::Ok().streaming(Box::pin(body))
}
