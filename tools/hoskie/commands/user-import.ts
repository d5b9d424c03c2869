import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { addCommand, setAction, type Finish } from '../command.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { DEFAULT_MODEL, surveyDump } from '../import/dump.ts';
import { recommendRefusalFloor, type RefusalFloor } from '../import/hash-format.ts';
import { newReport, type ImportReport } from '../import/import-report.ts';
import { importUsers } from '../import/import-users.ts';
import { count, note, say, sayFirstRows, sayJson, sayTable } from '../output.ts';
import { startProgress } from '../progress.ts';
import { openStores } from '../stores.ts';

interface ImportOptions {
  readonly dryRun?: boolean;
  readonly allowSkips?: boolean;
  readonly model: string;
}

export function addUserImport(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'import <file>',
    summary: 'import the users of a Django site; may be repeated',
    examples: [
      ['user import users.json --dry-run', 'from: manage.py dumpdata auth.user -o users.json'],
      ['user import users.json', ''],
      ['user import auth_user.csv', "a first row with Django's column names"],
      ['user import users.json --model accounts.user', 'a site with its own user model'],
    ],
  })
    .option('--dry-run', 'show what would be done, without doing it')
    .option('--allow-skips', 'exit with 0 even if users were skipped')
    .option('--model <name>', 'the user model in a JSON dump', DEFAULT_MODEL);
  setAction<ImportOptions>(command, finish, async (options, file = '') => {
    // Users live for one batch: without this, V8 lets the space for such objects grow by 100 MB.
    setFlagsFromString('--semi-space-growth-factor=1');
    const stores = openStores(options, 'redis', 'database');
    const dump = { path: file, model: options.model };
    const survey = await surveyDump(dump);
    const report = newReport();
    const progress = await startProgress('Importing', survey.users);
    const isDryRun = options.dryRun === true;
    let isWhole = false;
    try {
      const advance = (by: number): void => progress.advance(by);
      await importUsers({ stores, isDryRun, report, nowMs: Date.now(), advance }, dump, survey);
      isWhole = true;
    } finally {
      progress.stop();
      // Also after an outage: what was done stays done.
      const refusalFloor = recommendRefusalFloor(report.slowestCheckMs, stores.settings.BCRYPT_ROUNDS);
      const facts = { read: survey.users, others: survey.others, isDryRun, isWhole, refusalFloor };
      if (options.json === true) sayJson(viewReport(report, facts));
      else sayReport(report, facts);
      if (!isWhole)
        note(
          `hoskie: The import was interrupted after ${count(doneBy(report), 'user')}; run the command again to continue.`,
        );
    }
    return conclude(report, options.allowSkips === true);
  });
}

/** For argon2 and whatever else can't be checked on Workers. */
const OTHER_HASHER_ADVICE =
  "Hashes of other algorithms can't be checked here. While the Django site runs, its next sign-in can replace them: put BCryptSHA256PasswordHasher first in its PASSWORD_HASHERS, wait, dump and import again.";

const doneBy = ({ added, updated, unchanged, skipped }: ImportReport): number =>
  added + updated + unchanged + skipped.total;

interface Facts {
  readonly read: number;
  readonly others: number;
  readonly isDryRun: boolean;
  readonly isWhole: boolean;
  /** Null: none is needed. */
  readonly refusalFloor: RefusalFloor | null;
}

function conclude(report: ImportReport, allowsSkips: boolean): ExitCode {
  if (report.isIncomplete) return EXIT.storeOut;
  return report.skipped.total > 0 && !allowsSkips ? EXIT.failed : EXIT.ok;
}

const viewReport = (report: ImportReport, { read, others, isDryRun, isWhole, refusalFloor }: Facts) => ({
  dry_run: isDryRun,
  complete: isWhole,
  read,
  other_models: others,
  added: report.added,
  updated: report.updated,
  unchanged: report.unchanged,
  kept_passwords: report.keptPasswords,
  sessions_ended: report.sessionsEnded,
  skipped_count: report.skipped.total,
  skipped: report.skipped.list,
  without_password_count: report.withoutPassword.total,
  without_password: report.withoutPassword.list,
  refusal_floor_ms: refusalFloor?.floorMs ?? null,
});

function sayReport(report: ImportReport, { read, others, isDryRun, refusalFloor }: Facts): void {
  const aside = others === 0 ? '' : ` (and ${count(others, 'entry', 'entries')} of other models)`;
  say(`${count(read, 'user')} in the file${aside}${isDryRun ? '; this is a dry run' : ''}.`);
  sayTable(
    ['RESULT', 'USERS'],
    [
      ['added', report.added],
      ['updated', report.updated],
      ['unchanged', report.unchanged],
      ['skipped', report.skipped.total],
    ],
  );
  if (report.keptPasswords > 0)
    say(
      `${count(report.keptPasswords, 'user')} kept the password that was set or rewritten here; the dump has another one.`,
    );
  if (report.sessionsEnded > 0) say(`Ended ${count(report.sessionsEnded, 'session')} of changed users.`);
  if (report.skipped.total > 0) {
    say(`\nSkipped:`);
    sayFirstRows(
      ['PLACE', 'NAME', 'REASON'],
      report.skipped.list.map((each) => [each.place, each.username, each.reason]),
    );
  }
  if (report.withoutPassword.total > 0) {
    say(
      `\n${count(report.withoutPassword.total, 'user')} can't sign in until hoskie user passwd sets a password:`,
    );
    sayFirstRows(
      ['NAME', 'PASSWORD IN THE DUMP'],
      report.withoutPassword.list.map((each) => [each.username, each.reason]),
    );
    if (report.withoutPassword.list.some(({ reason }) => reason !== 'none')) say(OTHER_HASHER_ADVICE);
  }
  if (refusalFloor !== null) {
    const { slowestMs, floorMs } = refusalFloor;
    say(
      `\nChecking the slowest hash takes about ${slowestMs} ms, more than one of ours. Set REFUSAL_FLOOR_MS to ${floorMs}: otherwise the time of a refusal shows which names exist. Once user list shows no such hash any more, 0 will do.`,
    );
  }
}
