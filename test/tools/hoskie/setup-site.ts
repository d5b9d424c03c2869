import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CloudProxy } from '../../../tools/local-cloud/proxy.ts';
import { openCloud } from '../../support/cloud.ts';
import { openWorker, type TestWorker } from '../../support/worker.ts';
import { Terminal } from './terminal.ts';
import { runCli, startCli, type CliResult } from './run-cli.ts';
import { StubbedCloudflare } from './stub-account.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CLI = join(ROOT, 'tools/hoskie/hoskie.ts');
export const VERSION = '00000000-0000-4000-8000-000000000001';

/** An environment to be set up: empty stores, a checkout with wrangler.toml, and what the Worker will be once deployed. */
export class SetupSite implements AsyncDisposable {
  readonly cloud: CloudProxy;
  readonly worker: TestWorker;
  readonly cloudflare: StubbedCloudflare;

  private constructor(cloud: CloudProxy, worker: TestWorker) {
    this.cloud = cloud;
    this.worker = worker;
    this.cloudflare = new StubbedCloudflare({ uploads: [VERSION] });
    copyFileSync(join(ROOT, 'wrangler.toml'), join(this.cloudflare.directory, 'wrangler.toml'));
  }

  static async open(options: { schema: boolean }): Promise<SetupSite> {
    const cloud = await openCloud(options);
    return new SetupSite(cloud, await openWorker({ cloud, version: VERSION }));
  }

  /** As if set up before. */
  becomeLive(): void {
    const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN, DATABASE_URL } = this.cloud.env;
    this.cloudflare.change({
      traffic: { [VERSION]: 100 },
      versions: { [VERSION]: { handlers: ['fetch', 'scheduled'] } },
      secrets: {
        UPSTASH_REDIS_REST_URL,
        UPSTASH_REDIS_REST_TOKEN,
        DATABASE_URL,
        SECRET_KEY: 'the previous key',
        ASSERTION_KEYS: 'the previous keys',
      },
    });
  }

  get options(): { env: Record<string, string>; cwd: string } {
    return {
      cwd: this.cloudflare.directory,
      env: { ...this.cloudflare.env, SITE_URL: this.worker.localOrigin, ...this.cloud.env },
    };
  }

  /** Runs `hoskie setup`. An empty variable counts as none. */
  run(args: readonly string[] = ['--yes'], env: Record<string, string> = {}): Promise<CliResult> {
    const { options } = this;
    return runCli(null, this.#args(args), { ...options, env: { ...options.env, ...env } });
  }

  start(args: readonly string[]): ReturnType<typeof startCli> {
    return startCli(null, this.#args(args), this.options);
  }

  /** Runs it on a terminal, without credentials. */
  startOnTerminal(): Terminal {
    const { SITE_URL = '' } = this.options.env;
    return new Terminal([CLI, ...this.#args([])], {
      cwd: this.cloudflare.directory,
      env: { ...this.cloudflare.env, SITE_URL, TERM: 'xterm' },
    });
  }

  #args(args: readonly string[]): string[] {
    return ['setup', '--env', 'production', ...args];
  }

  /** Everything in the checkout but the stub's account. */
  filesAsText(): string {
    const { directory } = this.cloudflare;
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'account.json')
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      .join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.stop();
    await this.cloud.stop();
    this.cloudflare[Symbol.dispose]();
  }
}
