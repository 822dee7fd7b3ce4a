/** What an operator, or time, does to topics and groups behind Millrace's back. */
import { type Admin, Kafka as Kafkajs, logLevel } from 'kafkajs';

async function withAdmin(brokers: string[], run: (admin: Admin) => Promise<unknown>): Promise<void> {
  const admin = new Kafkajs({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await run(admin);
  } finally {
    await admin.disconnect();
  }
}

export const deleteGroup = (brokers: string[], group: string): Promise<void> =>
  withAdmin(brokers, (admin) => admin.deleteGroups([group]));

/** Removes the records of partition 0 before an offset, as retention does. */
export const deleteRecords = (brokers: string[], topic: string, before: number): Promise<void> =>
  withAdmin(brokers, async (admin) => {
    await admin.fetchTopicMetadata({ topics: [topic] }); // it deletes nothing without having looked
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(before) }] });
  });
