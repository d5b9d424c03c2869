import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { NO_TRACE } from '../../../src/store/store-call.ts';
import { upstashClient, upstashConnection } from '../../../src/store/upstash-client.ts';

// Upstash's "Read Your Writes": a write's token goes along with what is asked afterwards, so that a replica waits.

let tokens: (string | null)[];
let answered: string | null;
beforeEach(() => {
  tokens = [];
  answered = null;
  vi.stubGlobal('fetch', (_url: string, { headers }: RequestInit) => {
    tokens.push(new Headers(headers).get('Upstash-Sync-Token'));
    const given: Record<string, string> = answered === null ? {} : { 'Upstash-Sync-Token': answered };
    return Promise.resolve(Response.json({ result: null }, { headers: given }));
  });
});
afterEach(() => vi.unstubAllGlobals());

const connection = () => upstashConnection({ url: 'https://redis.example', token: 'never shown' });

test('the token of a write goes along with every command after it, until the next write', async () => {
  const client = upstashClient(connection(), 1000, NO_TRACE);
  answered = 'first';
  await client.get('a');
  await client.eval('return 1', [], []);
  answered = 'second';
  await client.get('a');
  await client.xdel('stream', ['1-1']);
  await client.get('a');
  expect(tokens).toEqual([null, null, 'first', 'first', 'second']);
});

test('the requests of one isolate share it', async () => {
  const shared = connection();
  answered = 'first';
  await upstashClient(shared, 1000, NO_TRACE).eval('return 1', [], []);
  await upstashClient(shared, 1000, NO_TRACE).get('a');
  await upstashClient(connection(), 1000, NO_TRACE).get('a');
  expect(tokens).toEqual([null, 'first', null]);
});

test('a store that gives none is asked without one', async () => {
  const client = upstashClient(connection(), 1000, NO_TRACE);
  await client.eval('return 1', [], []);
  await client.get('a');
  expect(tokens).toEqual([null, null]);
});
