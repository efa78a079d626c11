DELETE FROM signing_keys WHERE purpose = 'ticket';
DROP INDEX tickets_of_attendee;
DROP TABLE admissions;
DROP TABLE scans;
DROP TABLE checkin_lists;
