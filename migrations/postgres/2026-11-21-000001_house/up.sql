-- Organizers, accounts, events, and what every request needs.

CREATE TABLE organizers (
    id               uuid NOT NULL PRIMARY KEY,
    name             text COLLATE "C" NOT NULL,
    slug             text NOT NULL UNIQUE,
    default_currency text NOT NULL,
    time_zone        text NOT NULL,
    version          bigint NOT NULL,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL
);

CREATE TABLE users (
    id                uuid NOT NULL PRIMARY KEY,
    email             text NOT NULL UNIQUE,
    email_verified_at timestamptz,
    password_hash     text,
    token_version     bigint NOT NULL,
    name              text NOT NULL,
    phone             text,
    role              text NOT NULL CHECK (role IN ('user', 'admin')),
    status            text NOT NULL CHECK (status IN ('active', 'disabled')),
    version           bigint NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
);

CREATE TABLE memberships (
    organizer_id uuid NOT NULL REFERENCES organizers (id),
    user_id      uuid NOT NULL REFERENCES users (id),
    role         text NOT NULL CHECK (role IN ('manager', 'finance', 'gate')),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (organizer_id, user_id)
);
CREATE INDEX memberships_of_user ON memberships (user_id);

-- One row for each refresh token; a sign-in and its successors share a family.
CREATE TABLE login_sessions (
    id           uuid NOT NULL PRIMARY KEY,
    family       uuid NOT NULL,
    user_id      uuid NOT NULL REFERENCES users (id),
    signed_in_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    replaced_by  uuid,
    replaced_at  timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX login_sessions_of_user ON login_sessions (user_id);
CREATE INDEX login_sessions_of_family ON login_sessions (family);
CREATE INDEX login_sessions_by_expiry ON login_sessions (expires_at);

-- Keys made on the first start of a development database. Production brings its own.
CREATE TABLE signing_keys (
    id         uuid NOT NULL PRIMARY KEY,
    purpose    text NOT NULL UNIQUE CHECK (purpose IN ('jwt', 'pepper')),
    kid        text NOT NULL,
    secret     text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE events (
    id            uuid NOT NULL PRIMARY KEY,
    organizer_id  uuid NOT NULL REFERENCES organizers (id),
    name          text COLLATE "C" NOT NULL,
    slug          text NOT NULL UNIQUE,
    description   text,
    category      text,
    venue_name    text,
    venue_address text,
    city          text,
    country       text,
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz,
    time_zone     text NOT NULL,
    currency      text NOT NULL,
    status        text NOT NULL CHECK (status IN ('draft', 'published', 'canceled')),
    max_per_order bigint NOT NULL CHECK (max_per_order > 0),
    metadata      jsonb NOT NULL,
    search_text   text NOT NULL,
    version       bigint NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX events_by_start ON events (starts_at, id);
CREATE INDEX events_by_name ON events (name, id);
CREATE INDEX events_of_organizer ON events (organizer_id, id);

CREATE TABLE event_sessions (
    id         uuid NOT NULL PRIMARY KEY,
    event_id   uuid NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    name       text NOT NULL,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz,
    version    bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX event_sessions_of_event ON event_sessions (event_id, starts_at, id);

CREATE TABLE emails (
    id           uuid NOT NULL PRIMARY KEY,
    organizer_id uuid REFERENCES organizers (id),
    template     text NOT NULL,
    recipient    text NOT NULL,
    data         jsonb NOT NULL,
    dedupe_key   text NOT NULL UNIQUE,
    status       text NOT NULL CHECK (status IN ('queued', 'sending', 'sent', 'dead')),
    attempts     bigint NOT NULL,
    run_at       timestamptz NOT NULL,
    lease_until  timestamptz,
    last_error   text,
    sent_at      timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX emails_due ON emails (run_at) WHERE status IN ('queued', 'sending');

CREATE TABLE jobs (
    id          uuid NOT NULL PRIMARY KEY,
    kind        text NOT NULL,
    payload     jsonb NOT NULL,
    dedupe_key  text UNIQUE,
    status      text NOT NULL CHECK (status IN ('queued', 'running', 'dead')),
    attempts    bigint NOT NULL,
    run_at      timestamptz NOT NULL,
    lease_until timestamptz,
    last_error  text,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
CREATE INDEX jobs_due ON jobs (run_at) WHERE status IN ('queued', 'running');

-- Written unsealed in the commit of what it tells; sealed in order by one job.
CREATE TABLE audit (
    id           uuid NOT NULL PRIMARY KEY,
    organizer_id uuid,
    actor        text NOT NULL,
    action       text NOT NULL,
    object       text NOT NULL,
    digest       text NOT NULL,
    at           timestamptz NOT NULL,
    seq          bigint UNIQUE,
    prev_hash    text,
    hash         text
);
CREATE INDEX audit_unsealed ON audit (id) WHERE seq IS NULL;
CREATE INDEX audit_of_organizer ON audit (organizer_id, id);
CREATE INDEX audit_of_object ON audit (object, id);

CREATE TABLE idempotency (
    caller      text NOT NULL,
    key         text NOT NULL,
    route       text NOT NULL,
    fingerprint text NOT NULL,
    state       text NOT NULL CHECK (state IN ('running', 'done')),
    lease_until timestamptz,
    intent      jsonb,
    answer      jsonb,
    expires_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (caller, key, route)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);
