/**
 * What made Millrace's own tables, in order.
 *
 * Invariant: a migration that was released is never edited, only followed by another.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- Where the sink stands, by pipeline and processed partition (DESIGN 1.2 rule 3). Updated by every transaction of the
  -- sink: the fill factor leaves room for HOT updates.
  CREATE TABLE millrace.positions (
    pipeline text NOT NULL,
    partition int NOT NULL,
    version bigint NOT NULL DEFAULT 0,
    writer uuid NOT NULL DEFAULT gen_random_uuid(),
    next_offset bigint,
    topic_id text,
    bookmark_ms bigint,
    bookmark_origin text,
    origins jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (pipeline, partition)
  ) WITH (fillfactor = 50);

  -- Processed records by what became of them, per hour in which the sink stored them.
  CREATE TABLE millrace.ledger (
    pipeline text NOT NULL,
    partition int NOT NULL,
    hour timestamptz NOT NULL,
    stored bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    repeats bigint NOT NULL DEFAULT 0,
    lost bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (pipeline, partition, hour)
  ) WITH (fillfactor = 50);

  -- Roll-up buckets that the sink's transactions touched: only ever added to by the sink, removed when refreshed.
  CREATE TABLE millrace.touched (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline text NOT NULL,
    rollup text NOT NULL,
    bucket timestamptz NOT NULL
  );
  CREATE INDEX touched_bucket ON millrace.touched (pipeline, rollup, bucket);

  -- Which pipeline a topic or table belongs to.
  CREATE TABLE millrace.owners (
    kind text NOT NULL CHECK (kind IN ('topic', 'table')),
    name text NOT NULL,
    pipeline text NOT NULL,
    PRIMARY KEY (kind, name)
  );

  -- Rows of the pipeline's table before this time may be gone; from it on every roll-up bucket is whole.
  CREATE TABLE millrace.horizons (
    pipeline text PRIMARY KEY,
    edge timestamptz NOT NULL
  );

  -- Moves a position, if it is still as it was seen; raises MR001 otherwise, so that COMMIT can follow in the same
  -- round trip and nothing is stored under a position that somebody else moved.
  CREATE FUNCTION millrace.advance(
    pipeline text, partition int, seen_version bigint, seen_writer uuid, new_writer uuid,
    next_offset bigint, topic_id text, bookmark_ms bigint, bookmark_origin text, origins jsonb
  ) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
  BEGIN
    UPDATE millrace.positions AS p
       SET version = advance.seen_version + 1,
           writer = advance.new_writer,
           next_offset = advance.next_offset,
           topic_id = advance.topic_id,
           bookmark_ms = advance.bookmark_ms,
           bookmark_origin = advance.bookmark_origin,
           origins = advance.origins
     WHERE p.pipeline = advance.pipeline
       AND p.partition = advance.partition
       AND p.version = advance.seen_version
       AND p.writer = advance.seen_writer;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'the position of pipeline % partition % is no longer at version % of writer %',
        advance.pipeline, advance.partition, advance.seen_version, advance.seen_writer
        USING ERRCODE = 'MR001';
    END IF;
  END
  $$;
  `,
  `
  -- Rows that a table with spec.table.unique merged into others. Not repeats: those were processed, and counted, before.
  ALTER TABLE millrace.ledger ADD COLUMN merged bigint NOT NULL DEFAULT 0;
  `,
  `
  -- By the raw topic's id, too, as in origins: a topic that was recreated or cut counts anew. Rows from before count for the
  -- only id that their partition has seen; where it has seen several, nobody can tell.
  ALTER TABLE millrace.ledger ADD COLUMN topic_id text NOT NULL DEFAULT '';
  UPDATE millrace.ledger AS l SET topic_id = known.topic_id FROM (
    SELECT p.pipeline, p.partition, min(id) AS topic_id FROM millrace.positions AS p, jsonb_object_keys(p.origins) AS id
     GROUP BY p.pipeline, p.partition HAVING count(*) = 1) AS known
   WHERE known.pipeline = l.pipeline AND known.partition = l.partition;
  ALTER TABLE millrace.ledger DROP CONSTRAINT ledger_pkey, ADD PRIMARY KEY (pipeline, partition, topic_id, hour);

  -- What became of the raw records of that hour, copied from the processor's commits: raw = rows + processor_refused +
  -- dropped + processor_repeats. The hour -infinity holds what the processor counted in hours that nobody copied in time.
  ALTER TABLE millrace.ledger
    ADD COLUMN raw_records bigint NOT NULL DEFAULT 0,
    ADD COLUMN raw bigint NOT NULL DEFAULT 0,
    ADD COLUMN rows bigint NOT NULL DEFAULT 0,
    ADD COLUMN processor_refused bigint NOT NULL DEFAULT 0,
    ADD COLUMN dropped bigint NOT NULL DEFAULT 0,
    ADD COLUMN processor_repeats bigint NOT NULL DEFAULT 0;

  -- Rows of the pipeline's table that retention deleted, counted in the transaction that deleted them.
  ALTER TABLE millrace.horizons ADD COLUMN expired bigint NOT NULL DEFAULT 0;
  `,
  `
  -- A reprocessing that is under way. Its rows, positions, touched buckets and ledger stand under "<pipeline> reset".
  CREATE TABLE millrace.resets (
    pipeline text PRIMARY KEY,
    plan text NOT NULL,
    progress jsonb NOT NULL DEFAULT '{}',
    -- Origins up to which rows of the old table were taken over, by partition; NULL: none were.
    taken_over jsonb,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );

  -- What it refused: sent to the dead-letter topic before it takes effect, and not before.
  CREATE TABLE millrace.reset_refusals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline text NOT NULL,
    partition int NOT NULL,
    key bytea,
    value bytea,
    headers jsonb NOT NULL
  );
  CREATE INDEX reset_refusals_pipeline ON millrace.reset_refusals (pipeline, id);
  `,
  `
  -- Refusals whose redrive became a row, by the place of the object in the raw record that was refused first: written in
  -- the row's transaction, so that redriving twice stores once.
  CREATE TABLE millrace.redriven (
    pipeline text NOT NULL,
    topic_id text NOT NULL,
    partition int NOT NULL,
    raw_offset bigint NOT NULL,
    index int NOT NULL,
    attempt int NOT NULL,
    PRIMARY KEY (pipeline, topic_id, partition, raw_offset, index)
  );
  `,
  `
  -- Rows that a reprocessing made more (or less) than the processor counted: rows + reset = stored + refused + merged + in
  -- flight. Where rows were taken over as they were, whose hours nobody knows, it stands in the hour -infinity.
  ALTER TABLE millrace.ledger ADD COLUMN reset bigint NOT NULL DEFAULT 0;
  `,
  `
  -- Raw records that a reset has made rows of anew, from_offset to to_offset (exclusive): their refusals from before may be rows
  -- since, and are not redriven.
  CREATE TABLE millrace.reprocessed (
    pipeline text NOT NULL,
    topic_id text NOT NULL,
    partition int NOT NULL,
    from_offset bigint NOT NULL,
    to_offset bigint NOT NULL,
    PRIMARY KEY (pipeline, topic_id, partition)
  );
  `,
  `
  -- Refusals before this offset of the dead-letter topic are by rules of before a handover to another table.
  ALTER TABLE millrace.positions ADD COLUMN dlq_from bigint NOT NULL DEFAULT 0;
  `,
  `
  -- Every certificate that was signed for a device, by the SHA-256 of the authority that signed it.
  CREATE TABLE millrace.device_certificates (
    serial text PRIMARY KEY,
    authority text NOT NULL,
    device text NOT NULL,
    fingerprint text NOT NULL,
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    issued_by text NOT NULL,
    revoked_at timestamptz,
    revoked_by text,
    reason text,
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL) AND (revoked_at IS NULL) = (reason IS NULL))
  );
  CREATE INDEX device_certificates_device ON millrace.device_certificates (device, not_after);

  -- The newest list of revoked certificates of each authority.
  CREATE TABLE millrace.device_crls (
    authority text PRIMARY KEY,
    number bigint NOT NULL,
    this_update timestamptz NOT NULL,
    next_update timestamptz NOT NULL,
    pem text NOT NULL
  );
  `,
  `
  -- The device registry: what the messages of which component mean (registry/tables.ts has the same rules).
  CREATE TABLE millrace.registry_types (
    name text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('frame', 'door', 'strike', 'siren', 'motion', 'reader')),
    title text
  );
  CREATE TABLE millrace.registry_templates (
    name text PRIMARY KEY,
    type text NOT NULL REFERENCES millrace.registry_types,
    skip int NOT NULL DEFAULT 0 CHECK (skip BETWEEN 0 AND 255),
    crc text NOT NULL DEFAULT 'none' CHECK (crc IN ('none', 'modbus')),
    title text
  );
  CREATE TABLE millrace.registry_datapoints (
    template text NOT NULL REFERENCES millrace.registry_templates,
    name text NOT NULL,
    -- Its place among the rows of a record: one that is there keeps it, a new one comes last.
    position int NOT NULL,
    "offset" int NOT NULL CHECK ("offset" BETWEEN 0 AND 65535),
    encoding text NOT NULL CHECK (encoding IN ('Int8', 'Uint8', 'Int16', 'Uint16', 'Int32', 'Uint32', 'Float32')),
    byte_order text NOT NULL DEFAULT 'big' CHECK (byte_order IN ('big', 'little', 'big-swapped', 'little-swapped')),
    decimals int NOT NULL DEFAULT 0 CHECK (decimals BETWEEN 0 AND 9),
    unit text,
    PRIMARY KEY (template, name)
  );
  CREATE TABLE millrace.registry_devices (
    name text PRIMARY KEY CHECK (name ~ '^f2-[0-9a-f]{12}$'),
    title text
  );
  CREATE TABLE millrace.registry_connectors (
    device text NOT NULL REFERENCES millrace.registry_devices,
    name text NOT NULL CHECK (name ~ '^J[1-9][0-9]{0,2}$'),
    title text,
    PRIMARY KEY (device, name)
  );
  CREATE TABLE millrace.registry_pins (
    device text NOT NULL,
    connector text NOT NULL,
    component text NOT NULL,
    mode text NOT NULL,
    template text NOT NULL REFERENCES millrace.registry_templates,
    PRIMARY KEY (device, connector, component),
    FOREIGN KEY (device, connector) REFERENCES millrace.registry_connectors
  );

  -- Whoever changes it, processors read it again.
  CREATE FUNCTION millrace.registry_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
  BEGIN
    PERFORM pg_notify('millrace_registry', '');
    RETURN NULL;
  END
  $$;
  DO $$
  DECLARE name text;
  BEGIN
    FOREACH name IN ARRAY ARRAY['types', 'templates', 'datapoints', 'devices', 'connectors', 'pins'] LOOP
      EXECUTE format(
        'CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON millrace.%I
           FOR EACH STATEMENT EXECUTE FUNCTION millrace.registry_changed()', 'registry_' || name);
    END LOOP;
  END
  $$;
  `,
  `
  -- Every command to a device: written before it is sent, so that none is without a record.
  CREATE TABLE millrace.device_commands (
    id uuid PRIMARY KEY,
    device text NOT NULL,
    topic text NOT NULL,
    payload bytea NOT NULL,
    sent_by text NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Until then no other one is sent to this topic: its answer could be taken for this one's.
    closed_until timestamptz NOT NULL,
    -- NULL: nobody knows; the process that waited was killed.
    outcome text CHECK (outcome IN ('answered', 'unanswered', 'undelivered', 'failed')),
    matched_by text CHECK (matched_by IN ('correlation', 'topic')),
    answer bytea,
    ended_at timestamptz
  );
  CREATE INDEX device_commands_topic ON millrace.device_commands (device, topic, closed_until);
  CREATE INDEX device_commands_sent ON millrace.device_commands (sent_at);
  `,
  `
  -- Of a certificate that is over, revoked or ended: when its device was pushed off the broker for the first time, and since when nobody is
  -- connected with it any more. Lists from before do not show which of them a broker has: they are made anew.
  ALTER TABLE millrace.device_certificates ADD COLUMN pushed_at timestamptz, ADD COLUMN off_at timestamptz;
  CREATE INDEX device_certificates_over ON millrace.device_certificates (authority, least(revoked_at, not_after)) WHERE off_at IS NULL;
  UPDATE millrace.device_crls SET next_update = this_update;
  `,
  `
  -- What has changed in a table of newest rows and is not in its topic yet, by the columns that name a row: marked by triggers of that
  -- table (latestMarks.ts), in the transaction that changed it; taken away by the sink once the topic has it.
  CREATE TABLE millrace.latest_unsent (
    pipeline text NOT NULL,
    -- SHA-256 of the key, which may be longer than an index takes.
    id bytea NOT NULL,
    key jsonb NOT NULL,
    -- Another one with each change: tells the change that was sent from one that came meanwhile, also after the database fell back to
    -- an earlier state.
    token uuid NOT NULL DEFAULT gen_random_uuid(),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (pipeline, id)
  ) WITH (fillfactor = 50);
  CREATE INDEX latest_unsent_since ON millrace.latest_unsent (pipeline, since, id);

  -- The topic that this is sent to, and how far it was filled with what was in the table before: another topic is filled anew.
  CREATE TABLE millrace.latest_topics (
    pipeline text PRIMARY KEY,
    topic_id text NOT NULL,
    -- Of newest rows, from which it is filled: another one, after a reset, fills it anew.
    table_name text NOT NULL,
    -- As many as it had then: a key stays in its partition when others are added.
    partitions int NOT NULL,
    token uuid NOT NULL DEFAULT gen_random_uuid(),
    is_filled boolean NOT NULL DEFAULT false,
    -- Key of the last row that was filled in.
    filled_to jsonb,
    -- Where its logs began and ended, by partition: [[start, end], …].
    bounds jsonb
  );

  -- Arguments: the pipeline, and the SQL expression of a row's key. The rows that have changed are the transition table "changed".
  CREATE FUNCTION millrace.mark_latest() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
  BEGIN
    EXECUTE format(
      'INSERT INTO millrace.latest_unsent (pipeline, id, key)
         SELECT $1, sha256(convert_to(key::text, ''UTF8'')) AS id, key FROM (SELECT DISTINCT %s AS key FROM changed) AS keys ORDER BY id
       ON CONFLICT (pipeline, id) DO UPDATE SET token = EXCLUDED.token', TG_ARGV[1]) USING TG_ARGV[0];
    RETURN NULL;
  END
  $$;
  `,
];
