-- Who sends an item. It is written before the attempt begins: an item without a holder cannot
-- have reached its receiver.
ALTER TABLE outbox ADD COLUMN holder TEXT NOT NULL DEFAULT ''; -- the process that claimed it last
ALTER TABLE outbox ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0; -- 0: nobody has it in hand
-- The seq of the item that tells what this one says. It shares the fate of that one, which has all
-- of its keys. NULL: it is told by itself.
ALTER TABLE outbox ADD COLUMN merged_into INTEGER;

CREATE INDEX outbox_merged ON outbox (merged_into) WHERE merged_into IS NOT NULL;
DROP INDEX outbox_unsent;
CREATE INDEX outbox_unsent ON outbox (sink, status, merged_into) WHERE status <> 'sent';

-- What was not behind another may have been in hand when the older version ended.
UPDATE outbox SET holder = 'before' WHERE behind IS NULL OR attempts > 0;
