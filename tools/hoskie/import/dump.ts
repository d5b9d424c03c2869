import { CliError, EXIT } from '../exit.ts';
import { readCsv } from './csv.ts';
import { MalformedTextError, readElements, readLines, readText } from './read-text.ts';

/** A file with users of a Django site. */
export interface DumpFile {
  readonly path: string;
  /** Which entries of a JSON dump are users. */
  readonly model: string;
}

/** A user in the file, not validated yet. */
export interface DumpedUser {
  /** `line 12`, `entry 3`: the unit is the same in the whole file. */
  readonly place: { readonly unit: 'entry' | 'line'; readonly number: number };
  /** The digits of a number; null if the dump has none (natural keys). */
  readonly id: unknown;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The name of another model, whose entries are ignored. */
type OtherModel = string;

/** Django's built-in model. `--model` names another. */
export const DEFAULT_MODEL = 'auth.user';

/** Models that an error message lists. */
const MODELS_SHOWN = 10;

/** What is in a dump. */
export interface Survey {
  readonly users: number;
  /** How many of them have no id. */
  readonly withoutId: number;
  /** Number of entries of other models. */
  readonly others: number;
}

/** Reads the whole file, so that a broken one is found before anything is done. Throws `CliError` if it has no users. */
export async function surveyDump(dump: DumpFile): Promise<Survey> {
  const survey = { users: 0, withoutId: 0, others: 0 };
  const models = new Set<string>();
  for await (const entry of readEntries(dump)) {
    if (typeof entry === 'string') {
      survey.others += 1;
      models.add(entry);
    } else {
      survey.users += 1;
      if (entry.id === null) survey.withoutId += 1;
    }
  }
  if (survey.users > 0) return survey;
  throw new CliError(
    EXIT.usage,
    survey.others === 0
      ? `${dump.path} has no users.`
      : `${dump.path} has no ${dump.model}; it has ${[...models].sort().slice(0, MODELS_SHOWN).join(', ')}. Name yours with --model.`,
  );
}

/** The users of a dump, one after the other: the file may be larger than the memory. */
export async function* readUsers(dump: DumpFile): AsyncGenerator<DumpedUser> {
  for await (const entry of readEntries(dump)) if (typeof entry !== 'string') yield entry;
}

/**
 * Reads `manage.py dumpdata` as JSON or JSON lines, or a table of users as CSV with Django's column names in its
 * first row; detects which. Throws `CliError` for anything else.
 */
async function* readEntries({ path, model }: DumpFile): AsyncGenerator<DumpedUser | OtherModel> {
  const chunks = readText(path);
  let start = '';
  for await (const chunk of stopping(chunks)) {
    start += chunk;
    if (start.trim() !== '') break;
  }
  const text = prepend(start, chunks);
  switch (start.trimStart()[0]) {
    case undefined:
      throw new CliError(EXIT.usage, `${path} is empty.`);
    case '[':
      yield* readObjects(readElements(text), 'entry', model, path);
      break;
    case '{':
      yield* readObjects(readLines(text), 'line', model, path);
      break;
    default:
      yield* readCsv(text, path);
  }
}

/** Leaving a loop over it doesn't close the generator. */
const stopping = <T>(generator: AsyncGenerator<T>): AsyncIterable<T> => ({
  [Symbol.asyncIterator]: () => ({ next: () => generator.next() }),
});

async function* prepend(start: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield start;
  yield* rest;
}

async function* readObjects(
  texts: AsyncIterable<string>,
  unit: 'entry' | 'line',
  model: string,
  path: string,
): AsyncGenerator<DumpedUser | OtherModel> {
  const wanted = model.toLowerCase();
  let number = 0;
  const notJson = (): CliError =>
    new CliError(EXIT.usage, `${path} is not JSON${unit === 'line' ? ` in line ${number}` : ''}.`);
  try {
    for await (const text of texts) {
      number += 1;
      if (unit === 'line' && text.trim() === '') continue;
      const entry = parseJson(text) as { model?: unknown; pk?: unknown; fields?: unknown } | null;
      const { model: name, pk, fields } = entry ?? {};
      if (typeof name !== 'string' || typeof fields !== 'object' || fields === null)
        throw new CliError(
          EXIT.usage,
          `${path} is no Django dump: ${unit} ${number} has no model and fields.`,
        );
      if (name.toLowerCase() === wanted)
        yield { place: { unit, number }, id: pk ?? null, fields: fields as Record<string, unknown> };
      else yield name.toLowerCase();
    }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof MalformedTextError) throw notJson();
    throw error;
  }
}

/** Keeps ids as their digits, as they may be beyond 2^53. */
function parseJson(text: string): unknown {
  const value = JSON.parse(text) as { pk?: unknown } | null;
  const pk = value?.pk;
  if (typeof pk !== 'number') return value;
  // Parsing with a function takes several times as long.
  if (Number.isSafeInteger(pk)) return { ...value, pk: String(pk) };
  const keepDigits = (key: string, value: unknown, context: { source?: string }): unknown =>
    key === 'pk' && typeof value === 'number' ? context.source : value;
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
}
