DELETE FROM signing_keys WHERE purpose = 'ticket';
ALTER TABLE signing_keys DROP CONSTRAINT signing_keys_purpose_check;
ALTER TABLE signing_keys ADD CONSTRAINT signing_keys_purpose_check
    CHECK (purpose IN ('jwt', 'pepper'));
DROP INDEX tickets_of_attendee;
DROP TABLE admissions;
DROP TABLE scans;
DROP TABLE checkin_lists;
