import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const STUB = join(import.meta.dirname, 'stub-wrangler.ts');

/** What the stub of wrangler knows of Cloudflare. */
export interface StubAccount {
  secrets: Record<string, string>;
  /** Ids that the next uploads get. */
  uploads: string[];
  versions: Record<string, { handlers: string[] }>;
  /** What someone else gives the traffic to meanwhile, once this command is done. */
  interferes: { after: string; traffic: Record<string, number> } | null;
  /** Percentages by version; null: there is no Worker. */
  traffic: Record<string, number> | null;
  /** Whether routes and crons were deployed. */
  hasTriggers: boolean;
  /** What `wrangler deploy` reports. */
  targets: string[];
  /** How the command begins that fails, or that takes until a file exists. */
  failing: string | null;
  hangsAt: { command: string; until: string } | null;
  calls: { args: string[]; input: string; environment: string[] }[];
}

const EMPTY: StubAccount = {
  secrets: {},
  uploads: [],
  versions: {},
  traffic: null,
  hasTriggers: false,
  targets: [],
  interferes: null,
  failing: null,
  hangsAt: null,
  calls: [],
};

/** A folder with the account, a `wrangler` that works on it, and what a test puts there. */
export class StubbedCloudflare implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'stub-cloudflare-'));
  readonly #file = join(this.directory, 'account.json');

  constructor(account: Partial<StubAccount> = {}) {
    const script = `#!/bin/sh\nexec ${process.execPath} ${STUB} "$@"\n`;
    writeFileSync(join(this.directory, 'wrangler'), script, { mode: 0o755 });
    writeFileSync(this.#file, JSON.stringify({ ...EMPTY, ...account }));
  }

  get account(): StubAccount {
    return JSON.parse(readFileSync(this.#file, 'utf8')) as StubAccount;
  }

  change(account: Partial<StubAccount>): void {
    writeFileSync(this.#file, JSON.stringify({ ...this.account, ...account }));
  }

  /** The commands so far, without `--env`. */
  get commands(): string[] {
    return this.account.calls.map(({ args }) => args.join(' ').replace(/ --env \w+/, ''));
  }

  /** What a program needs to find the stub. */
  get env(): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOSKIE_WRANGLER: join(this.directory, 'wrangler'),
      STUB_ACCOUNT: this.#file,
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
