-- The gate: lists of who may enter, every scan, and who is inside.

CREATE TABLE checkin_lists (
    id           uuid NOT NULL PRIMARY KEY,
    organizer_id uuid NOT NULL REFERENCES organizers (id),
    event_id     uuid NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    session_id   uuid REFERENCES event_sessions (id),
    name         text NOT NULL,
    is_default   boolean NOT NULL,
    -- Ids of ticket types; all of them, if null.
    ticket_types jsonb,
    multi_entry  boolean NOT NULL,
    opens_at     timestamptz,
    closes_at    timestamptz,
    version      bigint NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX checkin_lists_of_event ON checkin_lists (event_id, id);
CREATE UNIQUE INDEX checkin_lists_default_once ON checkin_lists (event_id) WHERE is_default;

-- Every scan, refused ones too; rows are added, never changed.
CREATE TABLE scans (
    id           uuid NOT NULL PRIMARY KEY,
    organizer_id uuid REFERENCES organizers (id),
    event_id     uuid REFERENCES events (id) ON DELETE CASCADE,
    list_id      uuid REFERENCES checkin_lists (id),
    ticket_id    uuid REFERENCES tickets (id),
    scanner      text NOT NULL,
    nonce        text,
    -- What was scanned, as a digest: the code itself opens the gate.
    code_digest  text NOT NULL,
    direction    text NOT NULL CHECK (direction IN ('entry', 'exit', 'undo')),
    result       text NOT NULL CHECK (result IN ('accepted', 'rejected')),
    reason       text NOT NULL,
    note         text,
    gate         text,
    -- The scan that this one undoes.
    undoes       uuid UNIQUE REFERENCES scans (id),
    answer       text NOT NULL,
    at           timestamptz NOT NULL,
    UNIQUE (scanner, nonce)
);
CREATE INDEX scans_of_organizer ON scans (organizer_id, id);
CREATE INDEX scans_of_event ON scans (event_id, id);
CREATE INDEX scans_of_list ON scans (list_id, id);
CREATE INDEX scans_of_ticket ON scans (ticket_id, id);

-- Who is or was inside. The two unique indexes are what lets one person in once, whatever
-- happens at two gates at the same instant.
CREATE TABLE admissions (
    id          uuid NOT NULL PRIMARY KEY,
    ticket_id   uuid NOT NULL REFERENCES tickets (id),
    list_id     uuid NOT NULL REFERENCES checkin_lists (id),
    opened_by   uuid NOT NULL,
    closed_by   uuid,
    multi_entry boolean NOT NULL,
    opened_at   timestamptz NOT NULL,
    closed_at   timestamptz
);
CREATE UNIQUE INDEX admissions_open_once ON admissions (ticket_id, list_id)
    WHERE closed_at IS NULL;
CREATE UNIQUE INDEX admissions_single_once ON admissions (ticket_id, list_id)
    WHERE NOT multi_entry;
CREATE INDEX admissions_of_list ON admissions (list_id);

CREATE INDEX tickets_of_attendee ON tickets (event_id, attendee_email);

-- Tickets are signed with a key of their own.
ALTER TABLE signing_keys DROP CONSTRAINT signing_keys_purpose_check;
ALTER TABLE signing_keys ADD CONSTRAINT signing_keys_purpose_check
    CHECK (purpose IN ('jwt', 'pepper', 'ticket'));
