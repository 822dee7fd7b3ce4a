/** The examples that run in the cluster, and the rows that must come out. */
export const EXAMPLES = [
  { name: 'traffic', file: 'traffic_counts.csv', table: 'traffic_events', rows: 5_236 },
  { name: 'environment', file: 'sensor_data.csv', table: 'environment', rows: 15 },
] as const;
