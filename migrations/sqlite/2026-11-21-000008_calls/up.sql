-- What we asked of gateways, and what came of it.

CREATE TABLE gateway_calls (
    id         blob NOT NULL PRIMARY KEY,
    -- Null for a call about many payments.
    payment_id blob REFERENCES payments (id),
    provider   text NOT NULL,
    operation  text NOT NULL,
    outcome    text NOT NULL,
    -- The gateway's code, where it said no.
    code       text,
    took_ms    integer NOT NULL,
    created_at text NOT NULL
) STRICT;
CREATE INDEX gateway_calls_of_payment ON gateway_calls (payment_id, id);
CREATE INDEX gateway_calls_old ON gateway_calls (created_at);
