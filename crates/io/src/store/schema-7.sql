-- Version 7: the messages of one receiver that are to be sent, in their order, without looking at those that were.
CREATE INDEX IF NOT EXISTS outbox_open ON outbox (receiver, seq) WHERE state = 0;
