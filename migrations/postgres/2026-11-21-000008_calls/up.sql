-- What we asked of gateways, and what came of it.

CREATE TABLE gateway_calls (
    id         uuid NOT NULL PRIMARY KEY,
    -- Null for a call about many payments.
    payment_id uuid REFERENCES payments (id),
    provider   text NOT NULL,
    operation  text NOT NULL,
    outcome    text NOT NULL,
    -- The gateway's code, where it said no.
    code       text,
    took_ms    bigint NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX gateway_calls_of_payment ON gateway_calls (payment_id, id);
CREATE INDEX gateway_calls_old ON gateway_calls (created_at);
