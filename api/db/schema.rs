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
        order_id -> Nullable<Uuid>,
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

diesel::table! {
    use crate::db::sql_types::*;

    orders (id) {
        id -> Uuid,
        organizer_id -> Uuid,
        event_id -> Uuid,
        session_id -> Nullable<Uuid>,
        owner_id -> Nullable<Uuid>,
        token_version -> BigInt,
        buyer_name -> Text,
        buyer_email -> Text,
        buyer_phone -> Nullable<Text>,
        origin -> Text,
        status -> Text,
        payment_status -> Text,
        currency -> Text,
        total_minor -> BigInt,
        paid_minor -> BigInt,
        refunded_minor -> BigInt,
        expires_at -> Timestamptz,
        confirmed_at -> Nullable<Timestamptz>,
        locale -> Nullable<Text>,
        description -> Nullable<Text>,
        metadata -> Jsonb,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    order_items (id) {
        id -> Uuid,
        order_id -> Uuid,
        position -> BigInt,
        kind -> Text,
        ticket_type_id -> Nullable<Uuid>,
        booth_type_id -> Nullable<Uuid>,
        name -> Text,
        quantity -> BigInt,
        unit_price_minor -> BigInt,
        total_minor -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    tickets (id) {
        id -> Uuid,
        organizer_id -> Uuid,
        event_id -> Uuid,
        session_id -> Nullable<Uuid>,
        order_id -> Uuid,
        order_item_id -> Uuid,
        position -> BigInt,
        ticket_type_id -> Uuid,
        serial -> Text,
        attendee_name -> Nullable<Text>,
        attendee_email -> Nullable<Text>,
        attendee_phone -> Nullable<Text>,
        status -> Text,
        credential_version -> BigInt,
        issued_at -> Nullable<Timestamptz>,
        used_at -> Nullable<Timestamptz>,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    booth_bookings (id) {
        id -> Uuid,
        order_id -> Uuid,
        order_item_id -> Uuid,
        booth_id -> Uuid,
        company_name -> Text,
        contact_person -> Text,
        contact_email -> Text,
        contact_phone -> Text,
        requirements -> Nullable<Text>,
        status -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    holds (id) {
        id -> Uuid,
        order_id -> Uuid,
        inventory_id -> Nullable<Uuid>,
        booth_id -> Nullable<Uuid>,
        quantity -> BigInt,
        status -> Text,
        expires_at -> Timestamptz,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    checkout_sessions (id) {
        id -> Uuid,
        order_id -> Uuid,
        success_url -> Nullable<Text>,
        cancel_url -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    payments (id) {
        id -> Uuid,
        organizer_id -> Uuid,
        order_id -> Uuid,
        attempt_no -> BigInt,
        provider -> Text,
        account -> Text,
        livemode -> Bool,
        amount_minor -> BigInt,
        currency -> Text,
        status -> Text,
        reference -> Text,
        provider_payment_id -> Nullable<Text>,
        provider_status -> Nullable<Text>,
        received_minor -> Nullable<BigInt>,
        received_currency -> Nullable<Text>,
        refund_reserved_minor -> BigInt,
        refunded_minor -> BigInt,
        superseded_at -> Nullable<Timestamptz>,
        next_sync_at -> Nullable<Timestamptz>,
        syncs -> BigInt,
        expires_at -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    payment_details (payment_id) {
        payment_id -> Uuid,
        request -> Jsonb,
        next_action -> Nullable<Jsonb>,
        method -> Nullable<Jsonb>,
        failure -> Nullable<Jsonb>,
        manual -> Nullable<Jsonb>,
        success_url -> Nullable<Text>,
        cancel_url -> Nullable<Text>,
        last_answer -> Nullable<Jsonb>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    journals (id) {
        id -> Uuid,
        organizer_id -> Uuid,
        cause_type -> Text,
        cause_id -> Text,
        order_id -> Uuid,
        payment_id -> Nullable<Uuid>,
        occurred_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    postings (id) {
        id -> Uuid,
        journal_id -> Uuid,
        debit_account -> Text,
        credit_account -> Text,
        amount_minor -> BigInt,
        currency -> Text,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    webhook_events (id) {
        id -> Uuid,
        organizer_id -> Nullable<Uuid>,
        payment_id -> Nullable<Uuid>,
        provider -> Text,
        account -> Text,
        dedupe_key -> Text,
        kind -> Text,
        authenticity -> Text,
        raw -> Text,
        status -> Text,
        received_at -> Timestamptz,
        applied_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    tasks (id) {
        id -> Uuid,
        organizer_id -> Nullable<Uuid>,
        kind -> Text,
        object -> Text,
        note -> Text,
        done_at -> Nullable<Timestamptz>,
        done_by -> Nullable<Text>,
        done_note -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    dummy_charge (reference) {
        reference -> Text,
        payment -> Text,
        amount_minor -> BigInt,
        currency -> Text,
        status -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    refunds (id) {
        id -> Uuid,
        organizer_id -> Uuid,
        order_id -> Uuid,
        payment_id -> Uuid,
        amount_minor -> BigInt,
        currency -> Text,
        status -> Text,
        source -> Text,
        reason -> Text,
        note -> Nullable<Text>,
        voids -> Bool,
        is_full -> Bool,
        reference -> Text,
        attempt_no -> BigInt,
        provider_refund_id -> Nullable<Text>,
        failure -> Nullable<Jsonb>,
        requested_by -> Text,
        approved_by -> Nullable<Text>,
        submitted_at -> Nullable<Timestamptz>,
        next_sync_at -> Nullable<Timestamptz>,
        syncs -> BigInt,
        completed_at -> Nullable<Timestamptz>,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    refund_tickets (refund_id, ticket_id) {
        refund_id -> Uuid,
        ticket_id -> Uuid,
        active -> Bool,
        was_suspended -> Bool,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    refund_policies (event_id) {
        event_id -> Uuid,
        window_days -> BigInt,
        buyer_may_request -> Bool,
        auto_approve -> Bool,
        used_tickets -> Text,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    dummy_refund (reference) {
        reference -> Text,
        charge -> Text,
        amount_minor -> BigInt,
        currency -> Text,
        status -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    checkin_lists (id) {
        id -> Uuid,
        organizer_id -> Uuid,
        event_id -> Uuid,
        session_id -> Nullable<Uuid>,
        name -> Text,
        is_default -> Bool,
        ticket_types -> Nullable<Jsonb>,
        multi_entry -> Bool,
        opens_at -> Nullable<Timestamptz>,
        closes_at -> Nullable<Timestamptz>,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    scans (id) {
        id -> Uuid,
        organizer_id -> Nullable<Uuid>,
        event_id -> Nullable<Uuid>,
        list_id -> Nullable<Uuid>,
        ticket_id -> Nullable<Uuid>,
        scanner -> Text,
        nonce -> Nullable<Text>,
        code_digest -> Text,
        direction -> Text,
        result -> Text,
        reason -> Text,
        note -> Nullable<Text>,
        gate -> Nullable<Text>,
        undoes -> Nullable<Uuid>,
        answer -> Text,
        at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    admissions (id) {
        id -> Uuid,
        ticket_id -> Uuid,
        list_id -> Uuid,
        opened_by -> Uuid,
        closed_by -> Nullable<Uuid>,
        multi_entry -> Bool,
        opened_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    reconciliation_runs (id) {
        id -> Uuid,
        organizer_id -> Nullable<Uuid>,
        provider -> Text,
        account -> Text,
        starts_at -> Timestamptz,
        ends_at -> Timestamptz,
        status -> Text,
        counts -> Nullable<Jsonb>,
        findings -> Nullable<Jsonb>,
        error -> Nullable<Text>,
        started_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use crate::db::sql_types::*;

    gateway_calls (id) {
        id -> Uuid,
        payment_id -> Nullable<Uuid>,
        provider -> Text,
        operation -> Text,
        outcome -> Text,
        code -> Nullable<Text>,
        took_ms -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::joinable!(memberships -> organizers (organizer_id));
diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(login_sessions -> users (user_id));
diesel::joinable!(events -> organizers (organizer_id));
diesel::joinable!(ticket_types -> inventory (inventory_id));
diesel::joinable!(booths -> booth_types (booth_type_id));
diesel::joinable!(tickets -> ticket_types (ticket_type_id));
diesel::joinable!(tickets -> orders (order_id));
diesel::joinable!(tickets -> events (event_id));
diesel::joinable!(tickets -> event_sessions (session_id));
diesel::joinable!(tickets -> order_items (order_item_id));
diesel::joinable!(admissions -> tickets (ticket_id));
diesel::joinable!(booth_bookings -> booths (booth_id));
diesel::joinable!(order_items -> orders (order_id));
diesel::joinable!(payments -> orders (order_id));
diesel::joinable!(refunds -> orders (order_id));
diesel::joinable!(refunds -> payments (payment_id));
diesel::joinable!(refund_tickets -> refunds (refund_id));
diesel::joinable!(payment_details -> payments (payment_id));
diesel::joinable!(postings -> journals (journal_id));
diesel::joinable!(checkout_sessions -> orders (order_id));
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
    booths,
    orders,
    order_items,
    tickets,
    booth_bookings,
    holds,
    checkout_sessions,
    payments,
    payment_details,
    journals,
    postings,
    webhook_events,
    tasks,
    dummy_charge,
    refunds,
    refund_tickets,
    refund_policies,
    dummy_refund,
    checkin_lists,
    scans,
    admissions,
    reconciliation_runs,
    gateway_calls
);
