DROP TABLE booths;
DROP TABLE booth_types;
DROP TABLE ticket_types;
DROP TABLE inventory;
