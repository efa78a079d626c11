-- What there is to sell: ticket types with their stock, booth types and numbered booths.

-- The scarce thing. Held and sold move by conditional updates only.
CREATE TABLE inventory (
    id         blob NOT NULL PRIMARY KEY,
    event_id   blob NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    name       text NOT NULL,
    capacity   integer NOT NULL,
    held       integer NOT NULL CHECK (held >= 0),
    sold       integer NOT NULL CHECK (sold >= 0),
    created_at text NOT NULL,
    updated_at text NOT NULL,
    CHECK (held + sold <= capacity)
) STRICT;
CREATE INDEX inventory_of_event ON inventory (event_id);

CREATE TABLE ticket_types (
    id            blob NOT NULL PRIMARY KEY,
    event_id      blob NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    session_id    blob REFERENCES event_sessions (id),
    inventory_id  blob NOT NULL REFERENCES inventory (id) ON DELETE CASCADE,
    name          text NOT NULL,
    slug          text NOT NULL,
    description   text,
    price_minor   integer NOT NULL CHECK (price_minor >= 0),
    currency      text NOT NULL,
    min_per_order integer NOT NULL CHECK (min_per_order > 0),
    max_per_order integer CHECK (max_per_order >= min_per_order),
    sales_start   text,
    sales_end     text,
    valid_from    text,
    valid_until   text,
    hidden        integer NOT NULL,
    version       integer NOT NULL,
    created_at    text NOT NULL,
    updated_at    text NOT NULL,
    UNIQUE (event_id, slug)
) STRICT;
CREATE INDEX ticket_types_of_event ON ticket_types (event_id, id);
CREATE INDEX ticket_types_of_session ON ticket_types (session_id);

CREATE TABLE booth_types (
    id          blob NOT NULL PRIMARY KEY,
    event_id    blob NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    name        text NOT NULL,
    slug        text NOT NULL,
    description text,
    price_minor integer NOT NULL CHECK (price_minor >= 0),
    currency    text NOT NULL,
    version     integer NOT NULL,
    created_at  text NOT NULL,
    updated_at  text NOT NULL,
    UNIQUE (event_id, slug)
) STRICT;

CREATE TABLE booths (
    id            blob NOT NULL PRIMARY KEY,
    event_id      blob NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    booth_type_id blob NOT NULL REFERENCES booth_types (id),
    number        text NOT NULL,
    hall          text NOT NULL,
    status        text NOT NULL CHECK (status IN ('available', 'held', 'booked', 'blocked')),
    version       integer NOT NULL,
    created_at    text NOT NULL,
    updated_at    text NOT NULL,
    UNIQUE (event_id, hall, number)
) STRICT;
CREATE INDEX booths_of_type ON booths (booth_type_id, status, id);
