-- Tasks that somebody has done, and comparing our payments with a gateway's.

ALTER TABLE tasks ADD COLUMN done_by text;
ALTER TABLE tasks ADD COLUMN done_note text;
CREATE INDEX tasks_of_object ON tasks (object, id);

CREATE TABLE reconciliation_runs (
    id           uuid NOT NULL PRIMARY KEY,
    -- Null compares all payments of the gateway, whoever's they are.
    organizer_id uuid REFERENCES organizers (id),
    provider     text NOT NULL,
    account      text NOT NULL,
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    status       text NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed')),
    counts       jsonb,
    -- The first of them; the counts say how many there are.
    findings     jsonb,
    error        text,
    started_at   timestamptz,
    finished_at  timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE INDEX reconciliation_runs_of_organizer ON reconciliation_runs (organizer_id, id);

-- What is over at a gateway, by when it began: what a reconciliation compares.
CREATE INDEX payments_ended ON payments (provider, account, created_at)
    WHERE completed_at IS NOT NULL;
