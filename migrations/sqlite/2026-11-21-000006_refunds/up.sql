-- Money that goes back: refunds, what they cover, and who may ask for one.

-- What of a payment is promised to or gone to refunds. The database refuses more than came in.
ALTER TABLE payments ADD COLUMN refund_reserved_minor integer NOT NULL DEFAULT 0
    CHECK (refund_reserved_minor >= 0);
ALTER TABLE payments ADD COLUMN refunded_minor integer NOT NULL DEFAULT 0
    CHECK (refunded_minor >= 0 AND refunded_minor <= refund_reserved_minor
        AND (refund_reserved_minor = 0
            OR refund_reserved_minor <= COALESCE(received_minor, amount_minor)));

CREATE TABLE refunds (
    id                 blob NOT NULL PRIMARY KEY,
    organizer_id       blob NOT NULL REFERENCES organizers (id),
    order_id           blob NOT NULL REFERENCES orders (id),
    payment_id         blob NOT NULL REFERENCES payments (id),
    amount_minor       integer NOT NULL CHECK (amount_minor > 0),
    currency           text NOT NULL,
    status             text NOT NULL CHECK (status IN ('requested', 'approved', 'submitted',
        'pending', 'unknown', 'succeeded', 'failed', 'rejected', 'canceled')),
    source             text NOT NULL CHECK (source IN ('ours', 'automatic', 'external')),
    reason             text NOT NULL,
    note               text,
    -- Whether what it covers ends with it.
    voids              integer NOT NULL,
    -- Whether it gives back all that is left, booths too.
    is_full            integer NOT NULL,
    -- Ours, random, new for each attempt: what makes a repeated call the same call.
    reference          text NOT NULL,
    attempt_no         integer NOT NULL,
    provider_refund_id text,
    failure            text,
    requested_by       text NOT NULL,
    approved_by        text,
    submitted_at       text,
    next_sync_at       text,
    syncs              integer NOT NULL,
    completed_at       text,
    version            integer NOT NULL,
    created_at         text NOT NULL,
    updated_at         text NOT NULL,
    UNIQUE (reference),
    UNIQUE (payment_id, provider_refund_id)
) STRICT;
CREATE INDEX refunds_of_organizer ON refunds (organizer_id, id);
CREATE INDEX refunds_of_order ON refunds (order_id, id);
CREATE INDEX refunds_of_payment ON refunds (payment_id, id);
CREATE INDEX refunds_to_sync ON refunds (next_sync_at) WHERE next_sync_at IS NOT NULL;

CREATE TABLE refund_tickets (
    refund_id blob NOT NULL REFERENCES refunds (id),
    ticket_id blob NOT NULL REFERENCES tickets (id),
    -- Until the refund is over.
    active        integer NOT NULL,
    -- It was stopped before: then it stays so when nothing comes of the refund.
    was_suspended integer NOT NULL,
    PRIMARY KEY (refund_id, ticket_id)
) STRICT;
-- Two unfinished refunds never cover the same ticket.
CREATE UNIQUE INDEX refund_tickets_once ON refund_tickets (ticket_id) WHERE active;

CREATE TABLE refund_policies (
    event_id          blob NOT NULL PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE,
    window_days       integer NOT NULL CHECK (window_days >= 0),
    buyer_may_request integer NOT NULL,
    auto_approve      integer NOT NULL,
    used_tickets      text NOT NULL CHECK (used_tickets IN ('refuse', 'allow')),
    version           integer NOT NULL,
    created_at        text NOT NULL,
    updated_at        text NOT NULL
) STRICT;

-- The dummy gateway's own: it stands for the remote system, and refers to nothing of ours.
CREATE TABLE dummy_refund (
    reference    text NOT NULL PRIMARY KEY,
    charge       text NOT NULL,
    amount_minor integer NOT NULL,
    currency     text NOT NULL,
    status       text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    created_at   text NOT NULL,
    updated_at   text NOT NULL
) STRICT;
CREATE INDEX dummy_refund_of_charge ON dummy_refund (charge);
