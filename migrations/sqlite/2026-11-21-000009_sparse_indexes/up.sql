-- Most rows leave these columns empty: an index of what is there spares each of them an entry.
DROP INDEX orders_of_owner;
DROP INDEX orders_of_session;
DROP INDEX order_items_of_booth_type;
DROP INDEX tickets_of_session;
DROP INDEX holds_of_booth;
CREATE INDEX orders_of_owner ON orders (owner_id, id) WHERE owner_id IS NOT NULL;
CREATE INDEX orders_of_session ON orders (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX order_items_of_booth_type ON order_items (booth_type_id) WHERE booth_type_id IS NOT NULL;
CREATE INDEX tickets_of_session ON tickets (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX holds_of_booth ON holds (booth_id) WHERE booth_id IS NOT NULL;
