import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Hono } from 'hono';
import type { AppEnv } from '../../../src/http/context.ts';
import { health } from '../../../src/http/health.ts';
import { openMemoryWork } from '../../fakes/memory-work.ts';

const TOKEN = 'a-token-of-the-monitor';

let memory: ReturnType<typeof openMemoryWork>;
let waitUntil: (task: Promise<unknown>) => void;
let app: Hono<AppEnv>;
beforeEach(() => {
  memory = openMemoryWork();
  waitUntil = vi.fn();
  app = appWith('');
});

function appWith(token: string): Hono<AppEnv> {
  const { work } = memory;
  return new Hono<AppEnv>()
    .use((c, next) => {
      c.set('request', work as never);
      return next();
    })
    .route('/', health({ settings: { ...work.settings, READYZ_TOKEN: token }, clock: work.clock }));
}

async function readyz(authorization?: string) {
  const headers = authorization === undefined ? {} : { Authorization: authorization };
  const context = { waitUntil, passThroughOnException: () => undefined, props: {} };
  const response = await app.request('/readyz', { headers }, {}, context);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('/readyz asks the stores at most once in 5 s', () => {
  test('whatever they said', async () => {
    memory.outage.refuse('database');
    const first = await readyz();
    expect(first.status).toBe(503);
    memory.outage.heal();
    const calls = { ...memory.outage.calls };
    memory.clock.advance(4999);
    expect(await readyz()).toEqual(first);
    expect(memory.outage.calls).toEqual(calls);
    memory.clock.advance(1);
    expect((await readyz()).status).toBe(200);
    expect(memory.outage.calls).toEqual({ redis: 2 * calls.redis, database: 2 * calls.database });
  });

  test('for those who ask at the same time, too, and for the others if the first client goes away', async () => {
    const responses = await Promise.all([readyz(), readyz(), readyz()]);
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(memory.outage.calls).toEqual({ redis: 2, database: 2 });
    expect(waitUntil).toHaveBeenCalledOnce();
  });
});

describe('with READYZ_TOKEN', () => {
  beforeEach(() => {
    app = appWith(TOKEN);
  });

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Basic ${TOKEN}`,
    TOKEN,
  ])('%j sees the status alone', async (authorization) => {
    expect(await readyz(authorization)).toEqual({ status: 200, body: { status: 'ok' } });
    memory.clock.advance(5000);
    memory.outage.refuse('redis');
    expect(await readyz(authorization)).toEqual({ status: 503, body: { status: 'unavailable' } });
  });

  test.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`])('%j sees all', async (authorization) => {
    expect(await readyz(authorization)).toEqual({
      status: 200,
      body: {
        status: 'ok',
        redis: 'ok',
        database: 'ok',
        outbox: { pending: 0, set_aside: 0, unrecorded: 0, dropped_attempts: 0, oldest_at: null },
      },
    });
  });
});
