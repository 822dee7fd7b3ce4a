import { Kafka as Kafkajs, logLevel } from 'kafkajs';

/** Removes the records of partition 0 before an offset, as retention does. */
export async function deleteRecords(brokers: string[], topic: string, before: number): Promise<void> {
  const admin = new Kafkajs({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await admin.fetchTopicMetadata({ topics: [topic] }); // it deletes nothing without having looked
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(before) }] });
  } finally {
    await admin.disconnect();
  }
}
