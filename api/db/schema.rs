//! The tables, as both databases have them. A test reads every column on each.

diesel::table! {
    use crate::db::sql_types::*;

    organizers (id) {
        id -> Uuid,
        name -> Text,
        slug -> Text,
        default_currency -> Text,
        time_zone -> Text,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    users (id) {
        id -> Uuid,
        email -> Text,
        email_verified_at -> Nullable<Timestamptz>,
        password_hash -> Nullable<Text>,
        token_version -> BigInt,
        name -> Text,
        phone -> Nullable<Text>,
        role -> Text,
        status -> Text,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    memberships (organizer_id, user_id) {
        organizer_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    login_sessions (id) {
        id -> Uuid,
        family -> Uuid,
        user_id -> Uuid,
        signed_in_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        replaced_by -> Nullable<Uuid>,
        replaced_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    signing_keys (id) {
        id -> Uuid,
        purpose -> Text,
        kid -> Text,
        secret -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    events (id) {
        id -> Uuid,
        organizer_id -> Uuid,
        name -> Text,
        slug -> Text,
        description -> Nullable<Text>,
        category -> Nullable<Text>,
        venue_name -> Nullable<Text>,
        venue_address -> Nullable<Text>,
        city -> Nullable<Text>,
        country -> Nullable<Text>,
        starts_at -> Timestamptz,
        ends_at -> Nullable<Timestamptz>,
        time_zone -> Text,
        currency -> Text,
        status -> Text,
        max_per_order -> BigInt,
        metadata -> Jsonb,
        search_text -> Text,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    event_sessions (id) {
        id -> Uuid,
        event_id -> Uuid,
        name -> Text,
        starts_at -> Timestamptz,
        ends_at -> Nullable<Timestamptz>,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    emails (id) {
        id -> Uuid,
        organizer_id -> Nullable<Uuid>,
        template -> Text,
        recipient -> Text,
        data -> Jsonb,
        dedupe_key -> Text,
        status -> Text,
        attempts -> BigInt,
        run_at -> Timestamptz,
        lease_until -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        sent_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    jobs (id) {
        id -> Uuid,
        kind -> Text,
        payload -> Jsonb,
        dedupe_key -> Nullable<Text>,
        status -> Text,
        attempts -> BigInt,
        run_at -> Timestamptz,
        lease_until -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    audit (id) {
        id -> Uuid,
        organizer_id -> Nullable<Uuid>,
        actor -> Text,
        action -> Text,
        object -> Text,
        digest -> Text,
        at -> Timestamptz,
        seq -> Nullable<BigInt>,
        prev_hash -> Nullable<Text>,
        hash -> Nullable<Text>,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    idempotency (caller, key, route) {
        caller -> Text,
        key -> Text,
        route -> Text,
        fingerprint -> Text,
        state -> Text,
        lease_until -> Nullable<Timestamptz>,
        intent -> Nullable<Jsonb>,
        answer -> Nullable<Jsonb>,
        expires_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    inventory (id) {
        id -> Uuid,
        event_id -> Uuid,
        name -> Text,
        capacity -> BigInt,
        held -> BigInt,
        sold -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    ticket_types (id) {
        id -> Uuid,
        event_id -> Uuid,
        session_id -> Nullable<Uuid>,
        inventory_id -> Uuid,
        name -> Text,
        slug -> Text,
        description -> Nullable<Text>,
        price_minor -> BigInt,
        currency -> Text,
        min_per_order -> BigInt,
        max_per_order -> Nullable<BigInt>,
        sales_start -> Nullable<Timestamptz>,
        sales_end -> Nullable<Timestamptz>,
        valid_from -> Nullable<Timestamptz>,
        valid_until -> Nullable<Timestamptz>,
        hidden -> Bool,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    booth_types (id) {
        id -> Uuid,
        event_id -> Uuid,
        name -> Text,
        slug -> Text,
        description -> Nullable<Text>,
        price_minor -> BigInt,
        currency -> Text,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    booths (id) {
        id -> Uuid,
        event_id -> Uuid,
        booth_type_id -> Uuid,
        number -> Text,
        hall -> Text,
        status -> Text,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::joinable!(memberships -> organizers (organizer_id));
diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(login_sessions -> users (user_id));
diesel::joinable!(events -> organizers (organizer_id));
diesel::joinable!(ticket_types -> inventory (inventory_id));
diesel::joinable!(booths -> booth_types (booth_type_id));
diesel::allow_tables_to_appear_in_same_query!(
    organizers,
    users,
    memberships,
    login_sessions,
    signing_keys,
    events,
    event_sessions,
    emails,
    jobs,
    audit,
    idempotency,
    inventory,
    ticket_types,
    booth_types,
    booths
);
