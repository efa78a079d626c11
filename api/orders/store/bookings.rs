//! Booths that orders took, and for whom.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::schema::{booth_bookings, booths};
use crate::db::values::{Timestamp, text_enum};
use crate::db::{Cache, Conn, bulk_row, many, sql};
use crate::id::{BoothBookingId, BoothId, OrderId, OrderItemId};

text_enum! {
    pub enum BookingStatus {
        Reserved = "reserved",
        Booked = "booked",
        Released = "released",
    }
}

bulk_row! {
    #[derive(Debug, Clone, Queryable, Selectable)]
    pub struct Booking in booth_bookings {
        pub id: BoothBookingId,
        pub order_id: OrderId,
        pub order_item_id: OrderItemId,
        pub booth_id: BoothId,
        pub company_name: String,
        pub contact_person: String,
        pub contact_email: String,
        pub contact_phone: String,
        pub requirements: Option<String>,
        pub status: BookingStatus,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
    }
}

pub async fn insert(conn: &mut Conn, rows: Vec<Booking>) -> QueryResult<()> {
    many::insert_all(conn, rows).await?;
    Ok(())
}

pub async fn set_status(
    conn: &mut Conn,
    order: OrderId,
    status: BookingStatus,
    now: Timestamp,
) -> QueryResult<()> {
    let bookings = booth_bookings::table.filter(booth_bookings::order_id.eq(order));
    sql!(conn, |c| diesel::update(bookings)
        .set((
            booth_bookings::status.eq(status),
            booth_bookings::updated_at.eq(now),
        ))
        .cached()
        .execute(c)
        .await)?;
    Ok(())
}

/// An order's bookings with the number and hall of their booths.
pub async fn of_order(
    conn: &mut Conn,
    order: OrderId,
) -> QueryResult<Vec<(Booking, String, String)>> {
    sql!(conn, |c| booth_bookings::table
        .inner_join(booths::table)
        .filter(booth_bookings::order_id.eq(order))
        .order(booth_bookings::id)
        .select((Booking::as_select(), booths::number, booths::hall))
        .load(c)
        .await)
}
