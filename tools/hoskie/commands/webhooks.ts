import type { Command } from 'commander';
import { eventSender, type SendResult } from '../../../src/activity/send-event.ts';
import { uuidV7 } from '../../../src/lib/ids.ts';
import { addCommand, setAction, type Finish } from '../command.ts';
import { readEnvironment } from '../environment.ts';
import { CliError, EXIT } from '../exit.ts';
import { count, paint, printable, say, sayJson, sayTable, timeText } from '../output.ts';
import { startProgress } from '../progress.ts';
import { openStores, type Stores } from '../stores.ts';
import type { WebhookStatus } from '../stores/webhook-admin.ts';

/** OpenID Shared Signals Framework 1.0, section 8.1.4: it asks for nothing but a 202. */
const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification';

export function addWebhookCommands(program: Command, finish: Finish): void {
  const webhooks = program.command('webhooks').description('other systems that events are pushed to');
  addStatus(webhooks, finish);
  addRetry(webhooks, finish);
  addClear(webhooks, finish);
  addTest(webhooks, finish);
}

function addStatus(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'status',
    summary: 'show what each receiver has not accepted; exits with 1 if events were set aside or dropped',
    examples: [['webhooks status', '']],
  });
  setAction(command, finish, async (options) => {
    const nowMs = Date.now();
    const receivers = await openStores(options, 'redis').webhookAdmin.status();
    if (options.json === true) sayJson({ receivers: receivers.map((receiver) => view(receiver, nowMs)) });
    else if (receivers.length === 0) say('No Worker with receivers has run its cron in the last hour.');
    else sayReceivers(receivers, nowMs);
    return receivers.some(lostAny) ? EXIT.failed : EXIT.ok;
  });
}

const lostAny = ({ setAside, dropped }: WebhookStatus): boolean => setAside + dropped > 0;

const view = (status: WebhookStatus, nowMs: number) => ({
  name: status.receiver,
  events: status.events,
  pending: status.pending,
  oldest_at: timeText(status.oldestAtMs),
  set_aside: status.setAside,
  dropped: status.dropped,
  failures: status.failures,
  backing_off_until: timeText(backingOffUntil(status, nowMs)),
  last_success_at: timeText(status.acceptedAtMs),
  last_error_at: timeText(status.failedAtMs),
  last_error: status.error,
});

const backingOffUntil = ({ backingOffUntilMs }: WebhookStatus, nowMs: number): number | null =>
  backingOffUntilMs !== null && backingOffUntilMs > nowMs ? backingOffUntilMs : null;

function sayReceivers(receivers: readonly WebhookStatus[], nowMs: number): void {
  sayTable(
    [
      ...['RECEIVER', 'EVENTS', 'PENDING', 'OLDEST', 'SET ASIDE', 'DROPPED'],
      ...['BACKING OFF UNTIL', 'LAST SUCCESS', 'LAST ERROR', 'ERROR'],
    ],
    receivers.map((status) => [
      status.receiver,
      status.events.join(' '),
      status.pending,
      timeText(status.oldestAtMs),
      status.setAside,
      status.dropped,
      timeText(backingOffUntil(status, nowMs)),
      timeText(status.acceptedAtMs),
      timeText(status.failedAtMs),
      status.error,
    ]),
  );
  for (const { receiver, setAside } of receivers.filter(lostAny)) {
    if (setAside > 0) say(`hoskie webhooks retry ${receiver}: pushes what was set aside again.`);
    say(`hoskie webhooks clear ${receiver} --yes: deletes what was set aside, and sets DROPPED to 0.`);
  }
}

function addRetry(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'retry <name>',
    summary:
      'push what was set aside of a receiver again, by the cron; what it refuses again is set aside again',
    examples: [['webhooks retry billing', 'once it is fixed, such as an address that was wrong there']],
  });
  setAction(command, finish, async (options, name = '') => {
    const { webhookAdmin } = openStores(options, 'redis');
    const { setAside } = await requireReceiver(webhookAdmin, name);
    const progress = await startProgress('Moving', setAside);
    let moved = 0;
    try {
      await webhookAdmin.retry(name, (step) => {
        moved += step;
        progress.advance(step);
      });
    } finally {
      progress.stop();
    }
    if (options.json === true) sayJson({ moved });
    else say(`Moved ${count(moved, 'event')} back into the queue; the cron pushes what is there.`);
  });
}

function addClear(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'clear <name>',
    summary:
      'delete what was set aside of a receiver, which then never gets it, and count anew what is dropped',
    examples: [['webhooks clear billing --yes', 'if it needs none of it; the rows in MySQL stay']],
  }).option('--yes', 'delete it');
  setAction<{ yes?: boolean }>(command, finish, async (options, name = '') => {
    const { webhookAdmin } = openStores(options, 'redis');
    const { setAside } = await requireReceiver(webhookAdmin, name);
    if (options.yes !== true)
      throw new CliError(EXIT.usage, `${count(setAside, 'event')} would be deleted. Add --yes to do so.`);
    const deleted = await webhookAdmin.clear(name);
    if (options.json === true) sayJson({ deleted });
    else say(`Deleted ${count(deleted, 'event')}.`);
  });
}

async function requireReceiver(admin: Stores['webhookAdmin'], name: string): Promise<WebhookStatus> {
  const found = (await admin.status()).find(({ receiver }) => receiver === name);
  if (found !== undefined) return found;
  throw new CliError(EXIT.notFound, `No Worker has had a receiver ${printable(name)} in the last hour.`);
}

function addTest(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'test [name]',
    summary: 'push a verification event to each receiver, or to one, from this machine',
    examples: [
      ['webhooks test', 'with WEBHOOKS, ASSERTION_KEYS and PUBLIC_URL as the Worker has them'],
      ['webhooks test billing --env production.env', ''],
    ],
  });
  setAction(command, finish, async (options, name?: string) => {
    const settings = readEnvironment(options.env, ['webhooks']);
    const receivers = settings.WEBHOOKS.filter((receiver) => name === undefined || receiver.name === name);
    if (receivers.length === 0)
      throw new CliError(
        EXIT.notFound,
        name === undefined ? 'WEBHOOKS has no receivers.' : `WEBHOOKS has no receiver ${printable(name)}.`,
      );
    const send = eventSender(settings);
    const results = await Promise.all(
      receivers.map(async (receiver) => {
        const nowMs = Date.now();
        const claims = {
          jti: uuidV7(nowMs),
          toe: Math.floor(nowMs / 1000),
          sub_id: { format: 'opaque', id: receiver.name },
          events: { [VERIFICATION]: {} },
        };
        return { name: receiver.name, jti: claims.jti, result: await send(receiver, claims, nowMs) };
      }),
    );
    if (options.json === true)
      sayJson({
        receivers: results.map(({ name: tested, jti, result }) => ({ name: tested, jti, ...result })),
      });
    else
      for (const { name: tested, result } of results) say(`${verdict(result)}  ${tested}: ${advice(result)}`);
    return results.every(({ result }) => result.status === 'accepted') ? EXIT.ok : EXIT.failed;
  });
}

const verdict = ({ status }: SendResult): string =>
  status === 'accepted' ? paint('green', 'pass') : paint('red', 'FAIL');

function advice(result: SendResult): string {
  if (result.status === 'accepted') return 'accepted (202)';
  const { status, reason } = result;
  const hint = HINTS[reason] ?? (/^http_3/.test(reason) ? 'redirects are not followed' : '');
  return `${reason}${hint === '' ? '' : `: ${hint}`} (${status === 'refused' ? 'set aside' : 'retried'})`;
}

const HINTS: Readonly<Record<string, string>> = {
  unreachable: 'no connection, or no valid certificate',
  timeout: 'no response within 5 s',
  http_200: 'only 202 says that the event was stored',
  http_204: 'only 202 says that the event was stored',
  http_401: 'is the token right?',
  http_403: 'is the token right?',
  http_404: 'is the address right?',
  invalid_key: 'does the receiver read /.well-known/jwks.json, and is this key there?',
  invalid_issuer: 'does the receiver expect PUBLIC_URL?',
  invalid_audience: 'does the receiver expect the origin of its own address?',
};
