import { expect, test } from 'vitest';
import { findJava, majorOf } from './java.ts';

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['openjdk version "25-ea" 2025-09-16', 25],
  ['java version "1.8.0_372"', 8],
  ['bash: java: command not found', undefined],
])('%s is Java %s', (text, major) => expect(majorOf(text)).toBe(major));

test('a JAVA_HOME without Java is an error that names it', async () => {
  const before = process.env.JAVA_HOME;
  process.env.JAVA_HOME = '/nowhere/jdk';
  try {
    await expect(findJava()).rejects.toThrow('Kafka needs Java 17 or newer, and `/nowhere/jdk/bin/java -version` failed');
  } finally {
    if (before === undefined) delete process.env.JAVA_HOME;
    else process.env.JAVA_HOME = before;
  }
});
