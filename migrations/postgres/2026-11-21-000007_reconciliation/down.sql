DROP INDEX payments_ended;
DROP TABLE reconciliation_runs;
DROP INDEX tasks_of_object;
ALTER TABLE tasks DROP COLUMN done_note;
ALTER TABLE tasks DROP COLUMN done_by;
