-- SQLite uses a partial index only where a query names its condition as a constant, not as a
-- parameter: these were of no use there.
DROP INDEX emails_due;
DROP INDEX jobs_due;
DROP INDEX orders_to_expire;
DROP INDEX orders_of_origin;
CREATE INDEX emails_due ON emails (status, run_at);
CREATE INDEX jobs_due ON jobs (status, run_at);
CREATE INDEX orders_to_expire ON orders (status, expires_at);
CREATE INDEX orders_of_origin ON orders (origin, status);

-- What an operator asks for now and then must not read whole tables.
CREATE INDEX tasks_open ON tasks (id) WHERE done_at IS NULL;
CREATE INDEX webhook_events_by_status ON webhook_events (status, received_at);

-- Every start asks whether there is an admin.
CREATE INDEX users_of_role ON users (role, id);
