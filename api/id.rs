//! Identifiers that cannot be confused: `ord_01h455vb4pex5vsknk084sn02q`.
//!
//! A prefix that names the kind and a UUID version 7 in 26 base32 characters (the TypeID
//! format). They sort by the time they were made; stored as 16 bytes.

/// Why a text is not an identifier of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of this kind")]
pub struct NotAnId;

/// Declares identifiers: one type for each kind, with its prefix.
macro_rules! id {
    ($($(#[$meta:meta])* $name:ident = $prefix:literal),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = $crate::db::sql_types::Uuid)]
        pub struct $name(uuid::Uuid);

        impl type_safe_id::StaticType for $name {
            const TYPE: &'static str = $prefix;
        }

        impl Default for $name {
            fn default() -> Self {
                Self(uuid::Uuid::nil())
            }
        }

        impl $name {
            /// Makes an identifier that nobody has, sorting after those made before.
            #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
            pub fn new() -> Self {
                Self(uuid::Uuid::now_v7())
            }

            pub fn uuid(self) -> uuid::Uuid {
                self.0
            }

            pub fn from_uuid(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&type_safe_id::TypeSafeId::<Self>::from_uuid(self.0), f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::id::NotAnId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse::<type_safe_id::TypeSafeId<Self>>()
                    .map(|id| Self(id.uuid()))
                    .map_err(|_| $crate::id::NotAnId)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$")))
                    .examples([concat!($prefix, "_01h455vb4pex5vsknk084sn02q")])
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl diesel::serialize::ToSql<$crate::db::sql_types::Uuid, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                diesel::serialize::ToSql::<diesel::sql_types::Uuid, diesel::pg::Pg>::to_sql(&self.0, out)
            }
        }

        impl diesel::deserialize::FromSql<$crate::db::sql_types::Uuid, diesel::pg::Pg> for $name {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                diesel::deserialize::FromSql::<diesel::sql_types::Uuid, diesel::pg::Pg>::from_sql(value)
                    .map(Self)
            }
        }

        impl diesel::serialize::ToSql<$crate::db::sql_types::Uuid, diesel::sqlite::Sqlite> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::sqlite::Sqlite>,
            ) -> diesel::serialize::Result {
                out.set_value(&self.0.as_bytes()[..]);
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl diesel::deserialize::FromSql<$crate::db::sql_types::Uuid, diesel::sqlite::Sqlite> for $name {
            fn from_sql(
                mut value: diesel::sqlite::SqliteValue<'_, '_, '_>,
            ) -> diesel::deserialize::Result<Self> {
                Ok(Self(uuid::Uuid::from_slice(value.read_blob())?))
            }
        }
    )+};
}

id! {
    OrganizerId = "org",
    UserId = "usr",
    /// A login session, from sign-in to sign-out.
    LoginSessionId = "sid",
    EventId = "evt",
    /// A session of an event: a day, a show, a fixture.
    EventSessionId = "ses",
    EmailId = "eml",
    InventoryId = "inv",
    TicketTypeId = "tty",
    BoothTypeId = "btp",
    BoothId = "bth",
    OrderId = "ord",
    OrderItemId = "itm",
    TicketId = "tkt",
    BoothBookingId = "bbk",
    HoldId = "hld",
    CheckoutSessionId = "chs",
    PaymentId = "pay",
    RefundId = "ref",
    JournalId = "jrn",
    PostingId = "pst",
    WebhookEventId = "whe",
    GatewayCallId = "gcl",
    TaskId = "tsk",
    ReconciliationRunId = "rcn",
    CheckinListId = "lst",
    ScanId = "scn",
    AdmissionId = "adm",
    JobId = "job",
    AuditId = "aud",
    SigningKeyId = "key",
    RequestIdentifier = "req",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_names_its_kind() {
        let id = EventId::new();
        assert!(id.to_string().starts_with("evt_"));
        assert_eq!(id.to_string().len(), 30);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().parse::<UserId>(), Err(NotAnId));
    }

    /// From the TypeID specification's `valid.yml`.
    #[test]
    fn the_official_vector_is_read_and_written() {
        let uuid: uuid::Uuid = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let id = EventId::from_uuid(uuid);
        assert_eq!(id.to_string(), "evt_01h455vb4pex5vsknk084sn02q");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "evt",
            "evt_",
            "evt_01H455VB4PEX5VSKNK084SN02Q",
            "evt_81h455vb4pex5vsknk084sn02q",
            "evt_01h455vb4pex5vsknk084sn02",
            "01h455vb4pex5vsknk084sn02q",
            "evt_01h455vb4pex5vsknk084sn0\u{0}q",
        ] {
            assert_eq!(text.parse::<EventId>(), Err(NotAnId), "{text:?}");
        }
    }
}
