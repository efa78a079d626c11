-- The gate: lists of who may enter, every scan, and who is inside.

CREATE TABLE checkin_lists (
    id           blob NOT NULL PRIMARY KEY,
    organizer_id blob NOT NULL REFERENCES organizers (id),
    event_id     blob NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    session_id   blob REFERENCES event_sessions (id),
    name         text NOT NULL,
    is_default   integer NOT NULL,
    -- Ids of ticket types; all of them, if null.
    ticket_types text,
    multi_entry  integer NOT NULL,
    opens_at     text,
    closes_at    text,
    version      integer NOT NULL,
    created_at   text NOT NULL,
    updated_at   text NOT NULL
) STRICT;
CREATE INDEX checkin_lists_of_event ON checkin_lists (event_id, id);
CREATE UNIQUE INDEX checkin_lists_default_once ON checkin_lists (event_id) WHERE is_default;

-- Every scan, refused ones too; rows are added, never changed.
CREATE TABLE scans (
    id           blob NOT NULL PRIMARY KEY,
    organizer_id blob REFERENCES organizers (id),
    event_id     blob REFERENCES events (id) ON DELETE CASCADE,
    list_id      blob REFERENCES checkin_lists (id),
    ticket_id    blob REFERENCES tickets (id),
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
    undoes       blob UNIQUE REFERENCES scans (id),
    answer       text NOT NULL,
    at           text NOT NULL,
    UNIQUE (scanner, nonce)
) STRICT;
CREATE INDEX scans_of_organizer ON scans (organizer_id, id);
CREATE INDEX scans_of_event ON scans (event_id, id);
CREATE INDEX scans_of_list ON scans (list_id, id);
CREATE INDEX scans_of_ticket ON scans (ticket_id, id);

-- Who is or was inside. The two unique indexes are what lets one person in once, whatever
-- happens at two gates at the same instant.
CREATE TABLE admissions (
    id          blob NOT NULL PRIMARY KEY,
    ticket_id   blob NOT NULL REFERENCES tickets (id),
    list_id     blob NOT NULL REFERENCES checkin_lists (id),
    opened_by   blob NOT NULL,
    closed_by   blob,
    multi_entry integer NOT NULL,
    opened_at   text NOT NULL,
    closed_at   text
) STRICT;
CREATE UNIQUE INDEX admissions_open_once ON admissions (ticket_id, list_id)
    WHERE closed_at IS NULL;
CREATE UNIQUE INDEX admissions_single_once ON admissions (ticket_id, list_id)
    WHERE NOT multi_entry;
CREATE INDEX admissions_of_list ON admissions (list_id);

CREATE INDEX tickets_of_attendee ON tickets (event_id, attendee_email);

-- Tickets are signed with a key of their own.
CREATE TABLE signing_keys_new (
    id         blob NOT NULL PRIMARY KEY,
    purpose    text NOT NULL UNIQUE CHECK (purpose IN ('jwt', 'pepper', 'ticket')),
    kid        text NOT NULL,
    secret     text NOT NULL,
    created_at text NOT NULL
) STRICT;
INSERT INTO signing_keys_new SELECT id, purpose, kid, secret, created_at FROM signing_keys;
DROP TABLE signing_keys;
ALTER TABLE signing_keys_new RENAME TO signing_keys;
