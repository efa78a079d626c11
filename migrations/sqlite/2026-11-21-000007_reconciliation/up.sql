-- Tasks that somebody has done, and comparing our payments with a gateway's.

ALTER TABLE tasks ADD COLUMN done_by text;
ALTER TABLE tasks ADD COLUMN done_note text;
CREATE INDEX tasks_of_object ON tasks (object, id);

CREATE TABLE reconciliation_runs (
    id           blob NOT NULL PRIMARY KEY,
    -- Null compares all payments of the gateway, whoever's they are.
    organizer_id blob REFERENCES organizers (id),
    provider     text NOT NULL,
    account      text NOT NULL,
    starts_at    text NOT NULL,
    ends_at      text NOT NULL,
    status       text NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed')),
    counts       text,
    -- The first of them; the counts say how many there are.
    findings     text,
    error        text,
    started_at   text,
    finished_at  text,
    created_at   text NOT NULL,
    updated_at   text NOT NULL
) STRICT;
CREATE INDEX reconciliation_runs_of_organizer ON reconciliation_runs (organizer_id, id);

-- What is over at a gateway, by when it began: what a reconciliation compares.
CREATE INDEX payments_ended ON payments (provider, account, created_at)
    WHERE completed_at IS NOT NULL;
