/**
 * In the place of wrangler: keeps an account with one Worker in the file of STUB_ACCOUNT, and answers as wrangler 4 does.
 * Secrets go into the account, so that a test can look for them there and nowhere else.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import type { StubAccount } from './stub-account.ts';

const file = process.env['STUB_ACCOUNT'] ?? '';
const account = JSON.parse(readFileSync(file, 'utf8')) as StubAccount;
const args = process.argv.slice(2);
const said = args.join(' ');
const input = await text(process.stdin);
account.calls.push({ args, input, environment: Object.keys(process.env) });
writeFileSync(file, JSON.stringify(account));

const save = (): void => writeFileSync(file, JSON.stringify(account));
const record = (entry: object): void =>
  appendFileSync(process.env['WRANGLER_OUTPUT_FILE_PATH'] ?? '', `${JSON.stringify(entry)}\n`);
const fail = (message: string): never => {
  process.stderr.write(
    `\n\u001b[31m✘ \u001b[41;31m[\u001b[41;97mERROR\u001b[41;31m]\u001b[0m \u001b[1m${message}\u001b[0m\n\n`,
  );
  process.exit(1);
};
const upload = (): string => {
  const id = account.uploads.shift() ?? fail('The test has no further version.');
  account.versions[id] = { handlers: ['fetch', 'scheduled'] };
  return id;
};
const wanted = (words: string): boolean => said.startsWith(words);

if (account.failing !== null && wanted(account.failing)) fail('Authentication error [code: 10000]');
if (account.hangsAt !== null && wanted(account.hangsAt.command)) {
  while (!existsSync(account.hangsAt.until)) await setTimeout(20);
}
if (wanted('deployments status')) {
  if (account.traffic === null) fail('This Worker does not exist on your account. [code: 10007]');
  const versions = Object.entries(account.traffic ?? {}).map(([id, percentage]) => ({
    version_id: id,
    percentage,
  }));
  console.log(JSON.stringify({ versions }));
} else if (wanted('versions view')) {
  console.log(JSON.stringify({ resources: { script: account.versions[args[2] ?? ''], bindings: [] } }));
} else if (wanted('versions list')) {
  console.log(JSON.stringify(Object.keys(account.versions).map((id) => ({ id }))));
} else if (wanted('versions upload')) {
  if (account.traffic === null) fail('You need to deploy the Worker first.');
  record({ type: 'version-upload', version_id: upload(), bundle_size: { gzip_bytes: 112_640 } });
} else if (wanted('versions deploy')) {
  const shares = args.filter((arg) => arg.includes('@')).map((arg) => arg.split('@') as [string, string]);
  account.traffic = Object.fromEntries(shares.map(([id, share]) => [id, Number(share)]));
} else if (wanted('triggers deploy')) {
  account.hasTriggers = true;
} else if (wanted('secret list')) {
  if (account.traffic === null) fail('Worker "cloud-hoskie" (env: production) not found.');
  console.log(JSON.stringify(Object.keys(account.secrets).map((name) => ({ name, type: 'secret_text' }))));
} else if (wanted('secret bulk')) {
  account.secrets = { ...account.secrets, ...(JSON.parse(input) as Record<string, string>) };
  if (account.traffic === null) {
    // What `wrangler secret` creates to have a place for them.
    account.versions['draft'] = { handlers: ['fetch'] };
    account.traffic = { draft: 100 };
  }
} else if (wanted('deploy')) {
  const id = upload();
  account.traffic = { [id]: 100 };
  account.hasTriggers = true;
  record({ type: 'deploy', version_id: id, targets: account.targets, bundle_size: { gzip_bytes: 112_640 } });
} else fail(`Unknown command: ${said}`);
if (account.interferes !== null && wanted(account.interferes.after)) {
  account.traffic = account.interferes.traffic;
  account.interferes = null;
}
save();
