/** What a request gets that no Pipeline can serve. */
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { type Claim, claimPaths, type Route } from './listener.ts';

const claims: Claim[] = [];

afterEach(async () => {
  await Promise.all(claims.splice(0).map((claim) => claim.release()));
});

async function serve(
  post: Route['post'],
): Promise<{ url: string; logged: { msg: string; err?: { message: string } }[]; codes: number[] }> {
  const logged: { msg: string }[] = [];
  const codes: number[] = [];
  const route: Route = {
    pipeline: 'default/readings',
    operation: { pipeline: 'default/readings', summary: 'Readings', secured: false, maxBodyBytes: 1, schema: {} },
    post,
    answered: (code) => codes.push(code),
    log: pino({}, { write: (line) => logged.push(JSON.parse(line)) }),
  };
  const claim = await claimPaths(['/readings'], route, { host: '127.0.0.1', port: 0 });
  claims.push(claim);
  return { url: `http://127.0.0.1:${claim.port}`, logged, codes };
}

test('a mistake of ours is answered 500, and the log says what it was', async () => {
  const { url, logged, codes } = await serve(() => Promise.reject(new Error('what nobody thought of')));
  const answer = await fetch(`${url}/readings`, { method: 'POST', body: '{}' });
  expect([answer.status, await answer.json()]).toEqual([500, { error: 'a mistake in Millrace; its log says more' }]);
  expect(codes).toEqual([500]);
  expect(logged).toMatchObject([{ level: 50, err: { message: 'what nobody thought of' } }]);
});

test.each(['//', '//[', '/nowhere', '/%00', '//nowhere?x=1'])('a path that is none is answered 404: %s', async (path) => {
  const { url, logged } = await serve(async () => ({ records: 1 }));
  const answer = await fetch(url + path, { method: 'POST', body: '{}' });
  expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
    404,
    expect.stringMatching(/^there is no path .*; GET \/ lists those that are$/),
  ]);
  expect(logged).toEqual([]);
});
