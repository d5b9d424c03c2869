import { randomBytes } from 'node:crypto';
import { demand, skip, type Doctor } from '../doctor/doctor.ts';

export interface RedisCredentials {
  readonly url: string;
  readonly token: string;
}

interface Reply {
  readonly result?: unknown;
  readonly error?: string;
}

const TIMEOUT_MS = 15_000;
/** Older databases of Upstash have it in their address: `us1-merry-cat-32748.upstash.io`. */
const REGION = /^https:\/\/([a-z]+\d|global)-[\w-]+\.upstash\.io/;
/** Longer than the checks take; the key is deleted anyway. */
const KEY_SECONDS = 60;
const WRITES_AND_READS = `redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
local value = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
return value`;

/** Tries what the Worker does with Redis. Leaves nothing there. Returns whether all of it works. */
export async function checkRedis(doctor: Doctor, credentials: RedisCredentials): Promise<boolean> {
  const failuresBefore = doctor.failures;
  const key = `setup:${randomBytes(9).toString('base64url')}`;
  const send = (...command: string[]): Promise<Reply> => sendCommand(credentials, command);
  const isIn = await doctor.check('Redis: token', async () => {
    const startedAtMs = performance.now();
    refuseErrors(await send('PING'));
    return `accepted; a round trip from here takes ${Math.round(performance.now() - startedAtMs)} ms`;
  });
  if (!isIn) return false;
  await doctor.check('Redis: reads', async () => {
    refuseErrors(await send('GET', key));
    return 'GET works';
  });
  await doctor.check('Redis: writes', async () => {
    refuseErrors(await send('SET', key, 'setup', 'EX', String(KEY_SECONDS)));
    refuseErrors(await send('DEL', key));
    return 'SET and DEL work';
  });
  await doctor.check('Redis: EVAL', async () => {
    const reply = await send('EVAL', WRITES_AND_READS, '1', key, 'setup', String(KEY_SECONDS));
    refuseErrors(reply);
    demand(reply.result === 'setup', 'a script does not read what it wrote');
    return 'scripts read and write';
  });
  await doctor.check('Redis: eviction', async () => {
    const { result } = await send('INFO', 'memory');
    const policy = /^maxmemory_policy:\s*([\w-]+)/m.exec(typeof result === 'string' ? result : '')?.[1];
    if (policy === undefined)
      skip('unknown, as INFO does not say; in the Upstash console, Eviction must be off');
    demand(
      policy === 'noeviction',
      `it is on (${policy}): a full Redis would drop sessions and unrecorded events; turn it off in the Upstash console`,
    );
    return 'off';
  });
  await doctor.check('Redis: region', async () => {
    const region = REGION.exec(credentials.url)?.[1];
    if (region === undefined)
      skip('unknown, as the address does not name it; in the Upstash console, it should be that of MySQL');
    return `${region}, by its address`;
  });
  return doctor.failures === failuresBefore;
}

/** One command over Upstash's REST API: https://upstash.com/docs/redis/features/restapi. */
async function sendCommand({ url, token }: RedisCredentials, command: readonly string[]): Promise<Reply> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    body: JSON.stringify(command),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  demand(
    response.status !== 401,
    'it is refused (HTTP 401): copy the standard token from the Upstash console',
  );
  const reply = (await response.json()) as Reply;
  demand(
    typeof reply === 'object' && reply !== null && ('result' in reply || 'error' in reply),
    `that is no Upstash Redis (HTTP ${response.status}): check UPSTASH_REDIS_REST_URL`,
  );
  return reply;
}

/** Only the first word of an error is shown: the rest may repeat the command. */
function refuseErrors({ error }: Reply): void {
  const word = error === undefined ? '' : (/^[A-Z]+/.exec(error)?.[0] ?? 'an error');
  demand(word !== 'NOPERM', 'refused (NOPERM): this is the read-only token; take the standard one');
  demand(error === undefined, `refused (${word})`);
}
