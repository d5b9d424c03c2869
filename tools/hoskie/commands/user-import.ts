import type { Command } from 'commander';
import { addCommand, does, type Finish } from '../command.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { DEFAULT_MODEL, readDump } from '../import/dump.ts';
import { importUsers, newReport, type ImportReport } from '../import/import-users.ts';
import { judgeUsers } from '../import/judge.ts';
import { count, note, printable, say, sayJson, sayTable, type Cell } from '../output.ts';
import { startProgress } from '../progress.ts';
import { openStores } from '../stores.ts';

/** Longer lists are cut on the screen, not in JSON. */
const SHOWN = 50;

interface ImportOptions {
  readonly dryRun?: boolean;
  readonly allowSkips?: boolean;
  readonly model: string;
}

export function addUserImport(parent: Command, finish: Finish): void {
  const command = addCommand(parent, {
    signature: 'import <file>',
    summary: 'bring in the users of a Django site; may be repeated',
    examples: [
      ['user import users.json --dry-run', 'from: manage.py dumpdata auth.user -o users.json'],
      ['user import users.json', ''],
      ['user import auth_user.csv', "a first row with Django's column names"],
      ['user import users.json --model accounts.user', 'a site with its own user model'],
    ],
  })
    .option('--dry-run', 'tell what would be done, and do nothing')
    .option('--allow-skips', 'exit with 0 although some were left out')
    .option('--model <name>', 'the user model in a JSON dump', DEFAULT_MODEL);
  does<ImportOptions>(command, finish, async (options, file = '') => {
    const stores = openStores(options, 'redis', 'database');
    const dump = await readDump(file, options.model);
    const report = newReport();
    const { good, bad } = judgeUsers(dump.users, stores.settings.PBKDF2_MAX_ITERATIONS);
    report.skipped.push(...bad);
    const progress = await startProgress('Importing', good.length);
    const isDryRun = options.dryRun === true;
    let isWhole = false;
    try {
      await importUsers({ stores, isDryRun, report, advance: (by) => progress.advance(by) }, good);
      isWhole = true;
    } finally {
      progress.stop();
      // Also before an outage is told: what was done stays done.
      const facts = { read: dump.users.length, others: dump.others, isDryRun, isWhole };
      if (options.json === true) sayJson(viewReport(report, facts));
      else sayReport(report, facts);
      if (!isWhole) note('hoskie: The import stopped before its end; repeat the command to go on.');
    }
    return conclude(report, options.allowSkips === true);
  });
}

interface Facts {
  readonly read: number;
  readonly others: number;
  readonly isDryRun: boolean;
  readonly isWhole: boolean;
}

function conclude(report: ImportReport, allowsSkips: boolean): ExitCode {
  if (report.isIncomplete) return EXIT.storeOut;
  return report.skipped.length > 0 && !allowsSkips ? EXIT.failed : EXIT.ok;
}

const viewReport = (report: ImportReport, { read, others, isDryRun, isWhole }: Facts) => ({
  dry_run: isDryRun,
  complete: isWhole,
  read,
  other_models: others,
  added: report.added,
  updated: report.updated,
  unchanged: report.unchanged,
  kept_passwords: report.keptPasswords,
  sessions_ended: report.sessionsEnded,
  skipped: report.skipped,
  without_password: report.withoutPassword,
});

function sayReport(report: ImportReport, { read, others, isDryRun }: Facts): void {
  const aside =
    others === 0 ? '' : ` (and ${count(others, 'entry').replace('entrys', 'entries')} of other models)`;
  say(`${count(read, 'user')} in the file${aside}${isDryRun ? '; this is a dry run' : ''}.`);
  sayTable(
    ['RESULT', 'USERS'],
    [
      ['added', report.added],
      ['updated', report.updated],
      ['unchanged', report.unchanged],
      ['skipped', report.skipped.length],
    ],
  );
  if (report.keptPasswords > 0)
    say(
      `${count(report.keptPasswords, 'user')} kept the password set or rewritten here; the dump has another one.`,
    );
  if (report.sessionsEnded > 0) say(`Ended ${count(report.sessionsEnded, 'session')} of changed users.`);
  if (report.skipped.length > 0) {
    say(`\nSkipped:`);
    sayList(
      ['PLACE', 'NAME', 'REASON'],
      report.skipped.map((each) => [each.place, each.username, each.reason]),
    );
  }
  if (report.withoutPassword.length > 0) {
    say(
      `\n${count(report.withoutPassword.length, 'user')} cannot sign in until hoskie user passwd sets a password:`,
    );
    sayList(
      ['NAME', 'PASSWORD IN THE DUMP'],
      report.withoutPassword.map((each) => [printable(each.username), each.reason]),
    );
  }
}

function sayList(headings: readonly string[], rows: readonly (readonly Cell[])[]): void {
  sayTable(headings, rows.slice(0, SHOWN));
  if (rows.length > SHOWN) say(`... and ${rows.length - SHOWN} more; --json has them all.`);
}
