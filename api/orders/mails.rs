//! What an order's people are told, one mail for each fact.

use super::store::{self, bookings};
use super::{Order, Terms};
use crate::app::App;
use crate::booths;
use crate::db::Conn;
use crate::db::values::Timestamp;
use crate::emails::{
    self, BoothSummary, EmailData, LineSummary, NewEmail, OrderSummary, RefundSummary, Template,
};
use crate::error::{Code, Problem};
use crate::events;
use crate::money::Money;

/// How many orders the mail of a look-up names.
const LINKS_MOST: i64 = 20;

/// Queues a mail to the buyer; one for each `fact`.
pub async fn queue(
    conn: &mut Conn,
    order: &Order,
    terms: &Terms,
    template: Template,
    fact: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let data = EmailData {
        name: order.buyer_name.clone(),
        order: Some(summary(conn, order, terms).await?),
        ..EmailData::default()
    };
    let email = NewEmail {
        organizer: Some(order.organizer_id),
        template,
        recipient: order.buyer_email.clone(),
        data,
        dedupe_key: format!("{}:{}:{fact}", template.as_str(), order.id),
    };
    emails::queue(conn, email, now).await
}

/// Queues a mail to the buyer about money that goes back, or does not; one for each `fact`.
pub async fn queue_refund_mail(
    conn: &mut Conn,
    order: &Order,
    terms: &Terms,
    template: Template,
    fact: &str,
    amount: Money,
    now: Timestamp,
) -> Result<(), Problem> {
    let data = EmailData {
        name: order.buyer_name.clone(),
        order: Some(summary(conn, order, terms).await?),
        refund: Some(RefundSummary {
            amount_minor: amount.minor,
            currency: amount.currency,
        }),
        ..EmailData::default()
    };
    let email = NewEmail {
        organizer: Some(order.organizer_id),
        template,
        recipient: order.buyer_email.clone(),
        data,
        dedupe_key: format!("{}:{fact}", template.as_str()),
    };
    emails::queue(conn, email, now).await
}

/// The confirmation for the buyer, and one for each booth's contact.
pub(super) async fn queue_confirmations(
    conn: &mut Conn,
    order: &Order,
    terms: &Terms,
    now: Timestamp,
) -> Result<(), Problem> {
    queue_confirmations_as(conn, order, terms, "confirmed", now).await
}

async fn queue_confirmations_as(
    conn: &mut Conn,
    order: &Order,
    terms: &Terms,
    fact: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let template = Template::OrderConfirmation;
    queue(conn, order, terms, template, fact, now).await?;
    let bookings = bookings::of_order(conn, order.id).await?;
    let units: Vec<_> = bookings.iter().map(|(b, ..)| b.booth_id).collect();
    let units = booths::find_all(conn, &units).await?;
    for (booking, number, hall) in bookings {
        let kind = units.iter().find(|(booth, _)| booth.id == booking.booth_id);
        let data = EmailData {
            name: booking.contact_person,
            order: Some(summary(conn, order, terms).await?),
            booth: Some(BoothSummary {
                number,
                hall,
                type_name: kind.map(|(_, kind)| kind.name.clone()).unwrap_or_default(),
                company_name: booking.company_name,
            }),
            ..EmailData::default()
        };
        let email = NewEmail {
            organizer: Some(order.organizer_id),
            template: Template::BoothConfirmation,
            recipient: booking.contact_email,
            data,
            dedupe_key: format!("booth_confirmation:{}:{}:{fact}", order.id, booking.id),
        };
        emails::queue(conn, email, now).await?;
    }
    Ok(())
}

pub(super) async fn queue_expired(
    conn: &mut Conn,
    order: &Order,
    terms: &Terms,
    now: Timestamp,
) -> Result<(), Problem> {
    queue(conn, order, terms, Template::OrderExpired, "expired", now).await
}

/// Sends a confirmed order's mails once more.
pub async fn resend(
    conn: &mut Conn,
    order: &Order,
    terms: &Terms,
    now: Timestamp,
) -> Result<(), Problem> {
    if order.confirmed_at.is_none() {
        let detail = "There is no confirmation to send: the order is not confirmed.";
        return Err(Problem::new(Code::InvalidTransition).detail(detail));
    }
    let fact = format!("resent:{now}");
    queue_confirmations_as(conn, order, terms, &fact, now).await
}

/// Mails the links of an address's orders; nothing when it has none.
pub async fn mail_links(app: &App, email: &str) -> Result<(), Problem> {
    let (terms, now) = (Terms::of(&app.config), app.clock.now());
    app.db
        .transaction(async |conn| {
            let orders = store::of_email(conn, email, LINKS_MOST).await?;
            let Some(newest) = orders.first() else {
                return Ok(());
            };
            let mut summaries = Vec::new();
            for order in &orders {
                summaries.push(summary(conn, order, &terms).await?);
            }
            let mail = NewEmail {
                organizer: None,
                template: Template::OrderLinks,
                recipient: email.to_owned(),
                dedupe_key: format!("order_links:{}:{now}", newest.id),
                data: EmailData {
                    name: newest.buyer_name.clone(),
                    orders: summaries,
                    ..EmailData::default()
                },
            };
            emails::queue(conn, mail, now).await
        })
        .await
}

async fn summary(conn: &mut Conn, order: &Order, terms: &Terms) -> Result<OrderSummary, Problem> {
    let event = events::find(conn, order.event_id).await?;
    let event = event.ok_or_else(|| Problem::internal("an order without its event"))?;
    let venue = event.venue();
    let parts = venue.map(|venue| [Some(venue.name), venue.address, venue.city]);
    let place: Vec<String> = parts.into_iter().flatten().flatten().collect();
    let items = store::items(conn, order.id).await?;
    let lines = items.into_iter().map(|item| LineSummary {
        description: item.name,
        quantity: item.quantity,
        total_minor: item.total_minor,
    });
    Ok(OrderSummary {
        order_id: order.id,
        token_version: order.token_version,
        page_url: terms.order_url.clone(),
        event_name: event.name,
        starts_at: event.starts_at,
        time_zone: event.time_zone,
        place: (!place.is_empty()).then(|| place.join(", ")),
        lines: lines.collect(),
        total_minor: order.total_minor,
        currency: order.currency,
    })
}
