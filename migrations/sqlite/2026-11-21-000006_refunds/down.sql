DROP TABLE dummy_refund;
DROP TABLE refund_policies;
DROP TABLE refund_tickets;
DROP TABLE refunds;
ALTER TABLE payments DROP COLUMN refunded_minor;
ALTER TABLE payments DROP COLUMN refund_reserved_minor;
