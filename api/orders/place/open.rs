//! How many unpaid orders somebody may have open.

use std::collections::HashMap;

use super::{Terms, Wish, store};
use crate::db::Conn;
use crate::error::{Code, Problem};
use crate::id::UserId;

/// How many unpaid orders one e-mail, account or address may have open.
const OPEN_MOST: i64 = 5;

/// What those who place orders have open; nothing where nobody limits it.
pub(super) struct OpenOrders {
    limited: bool,
    of_email: HashMap<String, i64>,
    of_origin: HashMap<String, i64>,
    of_owner: HashMap<UserId, i64>,
}

impl OpenOrders {
    pub async fn count(
        conn: &mut Conn,
        terms: &Terms,
        wishes: &[Wish<'_>],
    ) -> Result<Self, Problem> {
        let mut open = Self {
            limited: terms.limits_open_orders,
            of_email: HashMap::new(),
            of_origin: HashMap::new(),
            of_owner: HashMap::new(),
        };
        if !open.limited {
            return Ok(open);
        }
        for Wish { new, by } in wishes {
            open.of_email.insert(new.buyer.email.clone(), 0);
            open.of_origin.insert(by.origin.clone(), 0);
            open.of_owner.extend(by.owner.map(|owner| (owner, 0)));
        }
        let emails = open.of_email.keys().map(|it| format!("email {it}"));
        let origins = open.of_origin.keys().map(|it| format!("origin {it}"));
        let owners = open.of_owner.keys().map(|it| format!("owner {it}"));
        let who = emails.chain(origins).chain(owners).collect();
        store::open::lock(conn, who).await?;
        store::open::by_email(conn, &mut open.of_email).await?;
        store::open::by_origin(conn, &mut open.of_origin).await?;
        store::open::by_owner(conn, &mut open.of_owner).await?;
        Ok(open)
    }

    /// Refuses somebody who has too many.
    pub fn check(&self, wish: Wish<'_>) -> Result<(), Problem> {
        let Wish { new, by } = wish;
        let counts = [
            self.of_email.get(&new.buyer.email),
            self.of_origin.get(&by.origin),
            by.owner.and_then(|owner| self.of_owner.get(&owner)),
        ];
        let most = counts.into_iter().flatten().max();
        if self.limited && most.is_some_and(|most| *most >= OPEN_MOST) {
            return Err(Problem::new(Code::TooManyOpenOrders));
        }
        Ok(())
    }

    /// One more.
    pub fn note(&mut self, wish: Wish<'_>) {
        let Wish { new, by } = wish;
        let counts = [
            self.of_email.get_mut(&new.buyer.email),
            self.of_origin.get_mut(&by.origin),
            by.owner.and_then(|owner| self.of_owner.get_mut(&owner)),
        ];
        for count in counts.into_iter().flatten() {
            *count += 1;
        }
    }
}
