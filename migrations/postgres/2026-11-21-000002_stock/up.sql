-- What there is to sell: ticket types with their stock, booth types and numbered booths.

-- The scarce thing. Held and sold move by conditional updates only.
CREATE TABLE inventory (
    id         uuid NOT NULL PRIMARY KEY,
    event_id   uuid NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    name       text NOT NULL,
    capacity   bigint NOT NULL,
    held       bigint NOT NULL CHECK (held >= 0),
    sold       bigint NOT NULL CHECK (sold >= 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK (held + sold <= capacity)
);
CREATE INDEX inventory_of_event ON inventory (event_id);

CREATE TABLE ticket_types (
    id            uuid NOT NULL PRIMARY KEY,
    event_id      uuid NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    session_id    uuid REFERENCES event_sessions (id),
    inventory_id  uuid NOT NULL REFERENCES inventory (id) ON DELETE CASCADE,
    name          text NOT NULL,
    slug          text NOT NULL,
    description   text,
    price_minor   bigint NOT NULL CHECK (price_minor >= 0),
    currency      text NOT NULL,
    min_per_order bigint NOT NULL CHECK (min_per_order > 0),
    max_per_order bigint CHECK (max_per_order >= min_per_order),
    sales_start   timestamptz,
    sales_end     timestamptz,
    valid_from    timestamptz,
    valid_until   timestamptz,
    hidden        boolean NOT NULL,
    version       bigint NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    UNIQUE (event_id, slug)
);
CREATE INDEX ticket_types_of_event ON ticket_types (event_id, id);
CREATE INDEX ticket_types_of_session ON ticket_types (session_id);

CREATE TABLE booth_types (
    id          uuid NOT NULL PRIMARY KEY,
    event_id    uuid NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    name        text NOT NULL,
    slug        text NOT NULL,
    description text,
    price_minor bigint NOT NULL CHECK (price_minor >= 0),
    currency    text NOT NULL,
    version     bigint NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    UNIQUE (event_id, slug)
);

CREATE TABLE booths (
    id            uuid NOT NULL PRIMARY KEY,
    event_id      uuid NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    booth_type_id uuid NOT NULL REFERENCES booth_types (id),
    number        text NOT NULL,
    hall          text NOT NULL,
    status        text NOT NULL CHECK (status IN ('available', 'held', 'booked', 'blocked')),
    version       bigint NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    UNIQUE (event_id, hall, number)
);
CREATE INDEX booths_of_type ON booths (booth_type_id, status, id);
