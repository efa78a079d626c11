-- Organizers, accounts, events, and what every request needs.

CREATE TABLE organizers (
    id               blob NOT NULL PRIMARY KEY,
    name             text NOT NULL,
    slug             text NOT NULL UNIQUE,
    default_currency text NOT NULL,
    time_zone        text NOT NULL,
    version          integer NOT NULL,
    created_at       text NOT NULL,
    updated_at       text NOT NULL
) STRICT;

CREATE TABLE users (
    id                blob NOT NULL PRIMARY KEY,
    email             text NOT NULL UNIQUE,
    email_verified_at text,
    password_hash     text,
    token_version     integer NOT NULL,
    name              text NOT NULL,
    phone             text,
    role              text NOT NULL CHECK (role IN ('user', 'admin')),
    status            text NOT NULL CHECK (status IN ('active', 'disabled')),
    version           integer NOT NULL,
    created_at        text NOT NULL,
    updated_at        text NOT NULL
) STRICT;

CREATE TABLE memberships (
    organizer_id blob NOT NULL REFERENCES organizers (id),
    user_id      blob NOT NULL REFERENCES users (id),
    role         text NOT NULL CHECK (role IN ('manager', 'finance', 'gate')),
    created_at   text NOT NULL,
    updated_at   text NOT NULL,
    PRIMARY KEY (organizer_id, user_id)
) STRICT;
CREATE INDEX memberships_of_user ON memberships (user_id);

-- One row for each refresh token; a sign-in and its successors share a family.
CREATE TABLE login_sessions (
    id           blob NOT NULL PRIMARY KEY,
    family       blob NOT NULL,
    user_id      blob NOT NULL REFERENCES users (id),
    signed_in_at text NOT NULL,
    expires_at   text NOT NULL,
    revoked_at   text,
    replaced_by  blob,
    replaced_at  text,
    created_at   text NOT NULL,
    updated_at   text NOT NULL
) STRICT;
CREATE INDEX login_sessions_of_user ON login_sessions (user_id);
CREATE INDEX login_sessions_of_family ON login_sessions (family);
CREATE INDEX login_sessions_by_expiry ON login_sessions (expires_at);

-- Keys made on the first start of a development database. Production brings its own.
CREATE TABLE signing_keys (
    id         blob NOT NULL PRIMARY KEY,
    purpose    text NOT NULL UNIQUE CHECK (purpose IN ('jwt', 'pepper')),
    kid        text NOT NULL,
    secret     text NOT NULL,
    created_at text NOT NULL
) STRICT;

CREATE TABLE events (
    id            blob NOT NULL PRIMARY KEY,
    organizer_id  blob NOT NULL REFERENCES organizers (id),
    name          text NOT NULL,
    slug          text NOT NULL UNIQUE,
    description   text,
    category      text,
    venue_name    text,
    venue_address text,
    city          text,
    country       text,
    starts_at     text NOT NULL,
    ends_at       text,
    time_zone     text NOT NULL,
    currency      text NOT NULL,
    status        text NOT NULL CHECK (status IN ('draft', 'published', 'canceled')),
    max_per_order integer NOT NULL CHECK (max_per_order > 0),
    metadata      text NOT NULL,
    search_text   text NOT NULL,
    version       integer NOT NULL,
    created_at    text NOT NULL,
    updated_at    text NOT NULL
) STRICT;
CREATE INDEX events_by_start ON events (starts_at, id);
CREATE INDEX events_by_name ON events (name, id);
CREATE INDEX events_of_organizer ON events (organizer_id, id);

CREATE TABLE event_sessions (
    id         blob NOT NULL PRIMARY KEY,
    event_id   blob NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    name       text NOT NULL,
    starts_at  text NOT NULL,
    ends_at    text,
    version    integer NOT NULL,
    created_at text NOT NULL,
    updated_at text NOT NULL
) STRICT;
CREATE INDEX event_sessions_of_event ON event_sessions (event_id, starts_at, id);

CREATE TABLE emails (
    id           blob NOT NULL PRIMARY KEY,
    organizer_id blob REFERENCES organizers (id),
    template     text NOT NULL,
    recipient    text NOT NULL,
    data         text NOT NULL,
    dedupe_key   text NOT NULL UNIQUE,
    status       text NOT NULL CHECK (status IN ('queued', 'sending', 'sent', 'dead')),
    attempts     integer NOT NULL,
    run_at       text NOT NULL,
    lease_until  text,
    last_error   text,
    sent_at      text,
    created_at   text NOT NULL,
    updated_at   text NOT NULL
) STRICT;
CREATE INDEX emails_due ON emails (run_at) WHERE status IN ('queued', 'sending');

CREATE TABLE jobs (
    id          blob NOT NULL PRIMARY KEY,
    kind        text NOT NULL,
    payload     text NOT NULL,
    dedupe_key  text UNIQUE,
    status      text NOT NULL CHECK (status IN ('queued', 'running', 'dead')),
    attempts    integer NOT NULL,
    run_at      text NOT NULL,
    lease_until text,
    last_error  text,
    created_at  text NOT NULL,
    updated_at  text NOT NULL
) STRICT;
CREATE INDEX jobs_due ON jobs (run_at) WHERE status IN ('queued', 'running');

-- Written unsealed in the commit of what it tells; sealed in order by one job.
CREATE TABLE audit (
    id           blob NOT NULL PRIMARY KEY,
    organizer_id blob,
    actor        text NOT NULL,
    action       text NOT NULL,
    object       text NOT NULL,
    digest       text NOT NULL,
    at           text NOT NULL,
    seq          integer UNIQUE,
    prev_hash    text,
    hash         text
) STRICT;
CREATE INDEX audit_unsealed ON audit (id) WHERE seq IS NULL;
CREATE INDEX audit_of_organizer ON audit (organizer_id, id);
CREATE INDEX audit_of_object ON audit (object, id);

CREATE TABLE idempotency (
    caller      text NOT NULL,
    key         text NOT NULL,
    route       text NOT NULL,
    fingerprint text NOT NULL,
    state       text NOT NULL CHECK (state IN ('running', 'done')),
    lease_until text,
    intent      text,
    answer      text,
    expires_at  text NOT NULL,
    created_at  text NOT NULL,
    PRIMARY KEY (caller, key, route)
) STRICT;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);
