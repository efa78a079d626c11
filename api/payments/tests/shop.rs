//! Something to sell, and a scripted gateway to pay it through.

use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use serde_json::Map;
use tempfile::TempDir;

use super::super::{self as payments, Attempt, Intent, Payment, Recorded, Status};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::testing::on_each_database;
use crate::db::values::Timestamp;
use crate::db::{Conn, sql};
use crate::error::{Code, Problem};
use crate::events::{self, Event, EventStatus, NewEvent};
use crate::gateways::scripted::Scripted;
use crate::gateways::{GatewayError, RemoteStatus};
use crate::http::idempotency::Run;
use crate::id::{EventId, PaymentId, TicketTypeId, UserId};
use crate::inventory::{self, NewTicketType, Window};
use crate::money::Currency;
use crate::orders::{self, Buyer, Choice, ItemRequest, NewOrder, Order, Placed, Terms};
use crate::payments::Evidence;
use crate::payments::attempt::Outcome;
use crate::{accounts, organizers};

/// What a ticket costs.
pub(crate) const PRICE_MINOR: i64 = 2_500_000;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// An application that sells one kind of ticket.
pub(crate) struct Shop {
    pub app: App,
    pub remote: Scripted,
    event: EventId,
    kind: TicketTypeId,
    _mails: TempDir,
}

/// Runs `test` in a new shop on each database; its books must be in order afterwards.
pub(crate) fn in_a_shop(test: impl AsyncFn(&Shop)) {
    on_each_database(async |url, _| {
        let shop = Shop::open(url).await;
        Box::pin(test(&shop)).await;
        let violations = shop.app.find_violations(false).await.unwrap();
        assert_eq!(violations, Vec::<String>::new());
    });
}

/// An answer that never came.
pub(crate) fn timeout() -> GatewayError {
    GatewayError::Unknown("timeout".to_owned())
}

impl Shop {
    async fn open(url: &str) -> Self {
        let mails = tempfile::tempdir().unwrap();
        let (url, folder) = (url.to_owned(), mails.path().display().to_string());
        let config = Config::from_lookup(move |name| match name {
            "DATABASE_URL" => Some(url.clone()),
            "MAILER" => Some("file".to_owned()),
            "MAIL_DIR" => Some(folder.clone()),
            _ => None,
        });
        let remote = Scripted::default();
        let mut app = App::open(config.unwrap(), Clock::default()).await.unwrap();
        app.gateways = app.gateways.with(Arc::new(remote.clone()));
        let now = app.clock.now();
        let opened = app
            .db
            .transaction(async |conn| open_sale(conn, now).await)
            .await;
        let (event, kind) = opened.unwrap();
        Self {
            app,
            remote,
            event,
            kind,
            _mails: mails,
        }
    }

    /// An order of one ticket.
    pub async fn order(&self) -> Order {
        let buyer = Buyer {
            name: "Asha Mwinyi".to_owned(),
            email: "asha@example.com".to_owned(),
            phone: None,
        };
        let tickets = ItemRequest::Tickets {
            kind: Choice::Id(self.kind),
            quantity: 1,
            attendees: Vec::new(),
        };
        let new = NewOrder {
            event_id: self.event,
            session_id: None,
            items: vec![tickets],
            buyer,
            currency: None,
            expected_total_minor: None,
            locale: None,
            description: None,
            metadata: Map::new(),
        };
        let by = Placed {
            owner: None,
            origin: "here".to_owned(),
            at: self.app.clock.now(),
        };
        let terms = self.terms();
        let db = &self.app.db;
        let placed = db.transaction(async |conn| orders::place(conn, &terms, &new, &by).await);
        placed.await.unwrap()
    }

    fn terms(&self) -> Terms {
        Terms::of(&self.app.config)
    }

    /// The first step of paying: what is written down before anybody is asked.
    pub async fn intend(&self, order: &Order) -> Result<Intent, Problem> {
        let (app, now) = (&self.app, self.app.clock.now());
        let intended = app.db.transaction(async |conn| {
            let order = orders::lock(conn, order.id).await?;
            payments::intend(conn, app, &order, Attempt::default(), now).await
        });
        intended.await
    }

    /// The second step.
    pub async fn call(&self, intent: &Intent, run: Run) -> Outcome {
        payments::call(&self.app, intent, run).await.unwrap()
    }

    /// The third step.
    pub async fn record(&self, intent: &Intent, outcome: &Outcome) -> Recorded {
        let (app, now) = (&self.app, self.app.clock.now());
        let recorded = app
            .db
            .transaction(async |conn| payments::record(conn, app, intent, outcome, now).await);
        recorded.await.unwrap()
    }

    /// An attempt to pay, in all its steps.
    pub async fn pay(&self, order: &Order) -> Recorded {
        let intent = self.intend(order).await.unwrap();
        let outcome = self.call(&intent, Run::First).await;
        self.record(&intent, &outcome).await
    }

    /// What the next request with the same key does after a process died, or was refused in
    /// a way that may pass.
    pub async fn resume(&self, intent: &Intent) -> Recorded {
        let outcome = self.call(intent, Run::Resumed).await;
        self.record(intent, &outcome).await
    }

    /// An attempt that the gateway takes, and waits for the buyer.
    pub async fn start(&self, order: &Order) -> Payment {
        let payment = started(self.pay(order).await);
        assert_eq!(payment.status, Status::RequiresAction);
        payment
    }

    /// Something happens at the gateway, and we ask.
    pub async fn happens(&self, payment: &Payment, status: RemoteStatus) -> Payment {
        self.remote.set(&payment.reference, status);
        payments::sync(&self.app, payment.id).await.unwrap()
    }

    /// The gateway tells by itself, in a signed message, how the charge stands there.
    pub async fn tell(&self, payment: &Payment) -> Payment {
        let (terms, now) = (self.terms(), self.app.clock.now());
        let snapshot = self.remote.snapshot(&payment.reference).unwrap();
        let evidence = Evidence::told(&snapshot, &payment.provider, &self.app.keys);
        let told = self.app.db.transaction(async |conn| {
            payments::settle(conn, &terms, payment.id, &evidence, now).await?;
            payments::find(conn, payment.id).await
        });
        told.await.unwrap()
    }

    pub async fn payment(&self, id: PaymentId) -> Payment {
        let mut conn = self.app.db.read().await.unwrap();
        payments::find(&mut conn, id).await.unwrap()
    }

    /// An order's attempts, first to last.
    pub async fn payments(&self, order: &Order) -> Vec<Payment> {
        let mut conn = self.app.db.read().await.unwrap();
        payments::of_order(&mut conn, order.id).await.unwrap()
    }

    /// An order as it is now.
    pub async fn read(&self, order: &Order) -> Order {
        let mut conn = self.app.db.read().await.unwrap();
        orders::find(&mut conn, order.id).await.unwrap().unwrap()
    }

    /// Time passes, and the sweeper asks for all that is due.
    pub async fn sweep_after(&self, time: Duration) {
        self.app.clock.advance(time);
        payments::sweep(&self.app).await.unwrap();
    }

    /// How many rows there are of a table, with a condition or without.
    pub async fn count(&self, from: &str) -> i64 {
        let query = format!("SELECT count(*) AS n FROM {from}");
        let mut conn = self.app.db.read().await.unwrap();
        let conn = &mut conn;
        let Count { n } = sql!(conn, |c| diesel::sql_query(query.clone())
            .get_result(c)
            .await)
        .unwrap();
        n
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

pub(crate) fn started(recorded: Recorded) -> Payment {
    match recorded {
        Recorded::Started(payment) => payment,
        Recorded::Unknown(payment) => panic!("unknown: {payment:?}"),
        Recorded::Refused(problem) => panic!("refused: {problem}"),
    }
}

pub(crate) fn unknown(recorded: Recorded) -> Payment {
    match recorded {
        Recorded::Unknown(payment) => payment,
        Recorded::Started(payment) => panic!("started: {payment:?}"),
        Recorded::Refused(problem) => panic!("refused: {problem}"),
    }
}

pub(crate) fn refused(recorded: Recorded, code: Code) -> Problem {
    match recorded {
        Recorded::Refused(problem) => {
            assert_eq!(problem.code, code);
            problem
        }
        Recorded::Started(payment) | Recorded::Unknown(payment) => {
            panic!("not refused: {payment:?}")
        }
    }
}

async fn open_sale(conn: &mut Conn, now: Timestamp) -> Result<(EventId, TicketTypeId), Problem> {
    accounts::create_admin(conn, "admin@example.com", "no hash", now).await?;
    let actor = accounts::first_admin(conn).await?.unwrap();
    let event = create_event(conn, actor, now).await?;
    let new = NewTicketType {
        name: "Regular".to_owned(),
        slug: None,
        description: None,
        session_id: None,
        price_minor: PRICE_MINOR,
        capacity: 10,
        min_per_order: 1,
        max_per_order: None,
        sales: Window::default(),
        valid: Window::default(),
        hidden: false,
    };
    let sale = inventory::create(conn, &event, new, actor, now).await?;
    Ok((event.id, sale.ticket_type.id))
}

async fn create_event(conn: &mut Conn, actor: UserId, now: Timestamp) -> Result<Event, Problem> {
    let new = NewEvent {
        name: "Zanzibar Nights".to_owned(),
        slug: None,
        description: None,
        category: None,
        venue: None,
        starts_at: now.plus(90 * 24 * 60 * MINUTE),
        ends_at: None,
        time_zone: "Africa/Dar_es_Salaam".to_owned(),
        currency: Currency::from_code("TZS").unwrap(),
        max_per_order: 10,
        metadata: Map::new(),
    };
    let organizer = organizers::find_default(conn).await?;
    let event = events::create(conn, new, organizer.id, actor, now).await?;
    events::set_status(conn, event, EventStatus::Published, actor, now).await
}
