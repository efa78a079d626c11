-- The sale: orders and what they hold, payments, the ledger, what gateways tell us.

CREATE TABLE orders (
    id             uuid NOT NULL PRIMARY KEY,
    organizer_id   uuid NOT NULL REFERENCES organizers (id),
    event_id       uuid NOT NULL REFERENCES events (id),
    session_id     uuid REFERENCES event_sessions (id),
    owner_id       uuid REFERENCES users (id),
    -- Raising it revokes the guest token.
    token_version  bigint NOT NULL,
    buyer_name     text NOT NULL,
    buyer_email    text NOT NULL,
    buyer_phone    text,
    -- A keyed digest of the address that the order came from.
    origin         text NOT NULL,
    status         text NOT NULL CHECK (status IN ('pending', 'confirmed', 'expired', 'canceled')),
    -- What is said about money is a projection of the journals.
    payment_status text NOT NULL,
    currency       text NOT NULL,
    total_minor    bigint NOT NULL CHECK (total_minor >= 0),
    paid_minor     bigint NOT NULL CHECK (paid_minor >= 0),
    refunded_minor bigint NOT NULL CHECK (refunded_minor >= 0),
    expires_at     timestamptz NOT NULL,
    confirmed_at   timestamptz,
    locale         text,
    description    text,
    metadata       jsonb NOT NULL,
    version        bigint NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE INDEX orders_of_organizer ON orders (organizer_id, id);
CREATE INDEX orders_of_event ON orders (event_id, id);
CREATE INDEX orders_of_session ON orders (session_id);
CREATE INDEX orders_of_owner ON orders (owner_id, id);
CREATE INDEX orders_of_email ON orders (buyer_email, id);
CREATE INDEX orders_of_origin ON orders (origin) WHERE status = 'pending';
CREATE INDEX orders_to_expire ON orders (expires_at) WHERE status = 'pending';

CREATE TABLE order_items (
    id               uuid NOT NULL PRIMARY KEY,
    order_id         uuid NOT NULL REFERENCES orders (id),
    position         bigint NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('ticket', 'booth')),
    ticket_type_id   uuid REFERENCES ticket_types (id),
    booth_type_id    uuid REFERENCES booth_types (id),
    name             text NOT NULL,
    quantity         bigint NOT NULL CHECK (quantity > 0),
    unit_price_minor bigint NOT NULL CHECK (unit_price_minor >= 0),
    total_minor      bigint NOT NULL CHECK (total_minor >= 0),
    created_at       timestamptz NOT NULL,
    UNIQUE (order_id, position),
    CHECK ((kind = 'ticket') = (ticket_type_id IS NOT NULL)),
    CHECK ((kind = 'booth') = (booth_type_id IS NOT NULL))
);
CREATE INDEX order_items_of_ticket_type ON order_items (ticket_type_id);
CREATE INDEX order_items_of_booth_type ON order_items (booth_type_id);

CREATE TABLE tickets (
    id                 uuid NOT NULL PRIMARY KEY,
    organizer_id       uuid NOT NULL REFERENCES organizers (id),
    event_id           uuid NOT NULL REFERENCES events (id),
    session_id         uuid REFERENCES event_sessions (id),
    order_id           uuid NOT NULL REFERENCES orders (id),
    order_item_id      uuid NOT NULL REFERENCES order_items (id),
    position           bigint NOT NULL,
    ticket_type_id     uuid NOT NULL REFERENCES ticket_types (id),
    serial             text NOT NULL UNIQUE,
    attendee_name      text,
    attendee_email     text,
    attendee_phone     text,
    status             text NOT NULL
        CHECK (status IN ('reserved', 'valid', 'used', 'suspended', 'void')),
    credential_version bigint NOT NULL,
    issued_at          timestamptz,
    used_at            timestamptz,
    version            bigint NOT NULL,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    UNIQUE (order_item_id, position)
);
CREATE INDEX tickets_of_order ON tickets (order_id, id);
CREATE INDEX tickets_of_event ON tickets (event_id, id);
CREATE INDEX tickets_of_organizer ON tickets (organizer_id, id);
CREATE INDEX tickets_of_type ON tickets (ticket_type_id);
CREATE INDEX tickets_of_session ON tickets (session_id);

CREATE TABLE booth_bookings (
    id             uuid NOT NULL PRIMARY KEY,
    order_id       uuid NOT NULL REFERENCES orders (id),
    order_item_id  uuid NOT NULL UNIQUE REFERENCES order_items (id),
    booth_id       uuid NOT NULL REFERENCES booths (id),
    company_name   text NOT NULL,
    contact_person text NOT NULL,
    contact_email  text NOT NULL,
    contact_phone  text NOT NULL,
    requirements   text,
    status         text NOT NULL CHECK (status IN ('reserved', 'booked', 'released')),
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE INDEX booth_bookings_of_order ON booth_bookings (order_id);
-- A booth is sold once, whatever else goes wrong.
CREATE UNIQUE INDEX booth_bookings_once ON booth_bookings (booth_id)
    WHERE status IN ('reserved', 'booked');

CREATE TABLE holds (
    id           uuid NOT NULL PRIMARY KEY,
    order_id     uuid NOT NULL REFERENCES orders (id),
    inventory_id uuid REFERENCES inventory (id),
    booth_id     uuid REFERENCES booths (id),
    quantity     bigint NOT NULL CHECK (quantity > 0),
    status       text NOT NULL CHECK (status IN ('active', 'consumed', 'released', 'expired')),
    expires_at   timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CHECK ((inventory_id IS NULL) <> (booth_id IS NULL))
);
CREATE INDEX holds_of_order ON holds (order_id);
CREATE INDEX holds_of_inventory ON holds (inventory_id);
CREATE INDEX holds_of_booth ON holds (booth_id);

CREATE TABLE checkout_sessions (
    id          uuid NOT NULL PRIMARY KEY,
    order_id    uuid NOT NULL UNIQUE REFERENCES orders (id),
    success_url text,
    cancel_url  text,
    created_at  timestamptz NOT NULL
);

CREATE TABLE payments (
    id                  uuid NOT NULL PRIMARY KEY,
    organizer_id        uuid NOT NULL REFERENCES organizers (id),
    order_id            uuid NOT NULL REFERENCES orders (id),
    attempt_no          bigint NOT NULL,
    provider            text NOT NULL,
    account             text NOT NULL,
    livemode            boolean NOT NULL,
    amount_minor        bigint NOT NULL CHECK (amount_minor > 0),
    currency            text NOT NULL,
    status              text NOT NULL CHECK (status IN ('created', 'requires_action', 'unknown',
        'processing', 'failed', 'canceled', 'expired', 'review', 'succeeded')),
    -- Ours, random: what the gateway calls the payment by.
    reference           text NOT NULL,
    provider_payment_id text,
    provider_status     text,
    -- What really came, where it is not the amount that was asked for.
    received_minor      bigint,
    received_currency   text,
    superseded_at       timestamptz,
    next_sync_at        timestamptz,
    syncs               bigint NOT NULL,
    expires_at          timestamptz,
    completed_at        timestamptz,
    version             bigint NOT NULL,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    UNIQUE (order_id, attempt_no),
    UNIQUE (provider, account, reference),
    UNIQUE (provider, account, provider_payment_id)
);
-- At most one attempt of an order is open.
CREATE UNIQUE INDEX payments_open_once ON payments (order_id) WHERE superseded_at IS NULL
    AND status IN ('created', 'requires_action', 'unknown', 'processing', 'review');
CREATE INDEX payments_of_organizer ON payments (organizer_id, id);
CREATE INDEX payments_to_sync ON payments (next_sync_at) WHERE next_sync_at IS NOT NULL;

-- The wide part of a payment: URLs, what the gateway said.
CREATE TABLE payment_details (
    payment_id  uuid NOT NULL PRIMARY KEY REFERENCES payments (id),
    request     jsonb NOT NULL,
    next_action jsonb,
    method      jsonb,
    failure     jsonb,
    manual      jsonb,
    success_url text,
    cancel_url  text,
    last_answer jsonb,
    updated_at  timestamptz NOT NULL
);

CREATE TABLE journals (
    id           uuid NOT NULL PRIMARY KEY,
    organizer_id uuid NOT NULL REFERENCES organizers (id),
    cause_type   text NOT NULL,
    cause_id     text NOT NULL,
    order_id     uuid NOT NULL REFERENCES orders (id),
    payment_id   uuid REFERENCES payments (id),
    occurred_at  timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    UNIQUE (cause_type, cause_id)
);
CREATE INDEX journals_of_order ON journals (order_id);
CREATE INDEX journals_of_payment ON journals (payment_id);
CREATE INDEX journals_of_organizer ON journals (organizer_id, id);

-- A transfer from one account to another: a journal of them balances by construction.
CREATE TABLE postings (
    id             uuid NOT NULL PRIMARY KEY,
    journal_id     uuid NOT NULL REFERENCES journals (id),
    debit_account  text NOT NULL,
    credit_account text NOT NULL,
    amount_minor   bigint NOT NULL CHECK (amount_minor > 0),
    currency       text NOT NULL,
    CHECK (debit_account <> credit_account)
);
CREATE INDEX postings_of_journal ON postings (journal_id);

CREATE TABLE webhook_events (
    id           uuid NOT NULL PRIMARY KEY,
    organizer_id uuid REFERENCES organizers (id),
    payment_id   uuid REFERENCES payments (id),
    provider     text NOT NULL,
    account      text NOT NULL,
    dedupe_key   text NOT NULL,
    kind         text NOT NULL,
    authenticity text NOT NULL CHECK (authenticity IN ('signed')),
    raw          text NOT NULL,
    status       text NOT NULL CHECK (status IN ('received', 'applied', 'ignored', 'unmatched',
        'failed', 'dead')),
    received_at  timestamptz NOT NULL,
    applied_at   timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    UNIQUE (provider, account, dedupe_key)
);
CREATE INDEX webhook_events_of_payment ON webhook_events (payment_id);
CREATE INDEX webhook_events_of_organizer ON webhook_events (organizer_id, id);

CREATE TABLE tasks (
    id           uuid NOT NULL PRIMARY KEY,
    organizer_id uuid REFERENCES organizers (id),
    kind         text NOT NULL,
    object       text NOT NULL,
    note         text NOT NULL,
    done_at      timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    UNIQUE (kind, object)
);
CREATE INDEX tasks_of_organizer ON tasks (organizer_id, id);

-- The dummy gateway's own table: it stands for the remote system, and refers to nothing of ours.
CREATE TABLE dummy_charge (
    reference    text NOT NULL PRIMARY KEY,
    payment      text NOT NULL,
    amount_minor bigint NOT NULL,
    currency     text NOT NULL,
    status       text NOT NULL
        CHECK (status IN ('open', 'processing', 'succeeded', 'failed', 'canceled')),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);

-- What order a mail is about.
ALTER TABLE emails ADD COLUMN order_id uuid REFERENCES orders (id);
CREATE INDEX emails_of_order ON emails (order_id);
