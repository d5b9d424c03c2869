import { findUsernameFlaw } from '../../../src/auth/username.ts';
import type { UserId } from '../../../src/lib/ids.ts';
import { characterCount } from '../../../src/lib/text.ts';
import type { NewUserRecord } from '../stores/user-admin.ts';
import { USERNAME_MAX_CHARACTERS } from '../../../src/auth/username.ts';
import { parseUserId, USER_ID_MAX } from '../find-user.ts';
import { existingTime } from '../existing-time.ts';
import type { DumpedUser } from './dump.ts';
import { FirstPlaces } from './first-places.ts';
import { hashFormat, UNUSABLE_HASH } from './hash-format.ts';

/** Lengths of the columns of schema.sql. */
const MAX_CHARACTERS = {
  username: USERNAME_MAX_CHARACTERS,
  email: 254,
  first_name: 150,
  last_name: 150,
} as const;
const HASH_MAX_CHARACTERS = 255;

/** A user who can be imported. */
export interface ValidUser {
  readonly place: string;
  readonly record: NewUserRecord;
  /** Not null: the dump's password can't be used here, and why. */
  readonly noPassword: string | null;
}

export interface SkippedUser {
  readonly place: string;
  /** Null: the name isn't text. */
  readonly username: string | null;
  readonly reason: string;
}

/** A reason to skip a user. */
class Flaw extends Error {
  override readonly name = 'Flaw';
}

export interface ValidationRules {
  readonly pbkdf2MaxIterations: number;
  /** No one has signed in later than this, give or take `CLOCK_TOLERANCE_MS`. */
  readonly nowMs: number;
}

/** How far the clock of the Django site may be ahead. */
const CLOCK_TOLERANCE_MS = 300_000;

/**
 * Validates the users of a dump, each by itself and against the previous ones. Names aren't changed.
 */
export class UserValidator {
  readonly #rules: ValidationRules;
  readonly #places = new FirstPlaces();

  constructor(rules: ValidationRules) {
    this.#rules = rules;
  }

  validate(user: DumpedUser): ValidUser | SkippedUser {
    const { unit, number } = user.place;
    const place = `${unit} ${number}`;
    const requireFree = (key: string, what: string): void => {
      const previous = this.#places.find(key);
      if (previous !== null) throw new Flaw(`${what} as ${unit} ${previous}`);
    };
    try {
      const { record, noPassword } = readUser(user, this.#rules);
      const keys = [`name ${nameKey(record.username)}`, ...(record.id === null ? [] : [`id ${record.id}`])];
      requireFree(keys[0] ?? '', 'the same name');
      if (keys[1] !== undefined) requireFree(keys[1], 'the same id');
      for (const key of keys) this.#places.add(key, number);
      return { place, record, noPassword };
    } catch (error) {
      if (!(error instanceof Flaw)) throw error;
      const username = user.fields['username'];
      return { place, username: typeof username === 'string' ? username : null, reason: error.message };
    }
  }
}

/** Equal for names that MySQL considers equal. */
export const nameKey = (username: string): string => username.replace(/ +$/, '');

function readUser(
  { id, fields }: DumpedUser,
  { pbkdf2MaxIterations, nowMs }: ValidationRules,
): Omit<ValidUser, 'place'> {
  const username = readText(fields, 'username');
  const flaw = findUsernameFlaw(username);
  if (flaw !== null) throw new Flaw(flaw);
  const encoded = typeof fields['password'] === 'string' ? fields['password'] : '';
  const format = hashFormat(encoded, pbkdf2MaxIterations);
  const isStorable =
    format.isUsable && encoded.length <= HASH_MAX_CHARACTERS && /^[\x21-\x7e]*$/.test(encoded);
  const email = readText(fields, 'email');
  return {
    record: {
      id: readId(id),
      username,
      passwordHash: isStorable ? encoded : UNUSABLE_HASH,
      email: email === '' ? null : email,
      firstName: readText(fields, 'first_name'),
      lastName: readText(fields, 'last_name'),
      isActive: readActive(fields['is_active']),
      lastLoginAtMs: readTime(fields['last_login'], nowMs),
    },
    noPassword: isStorable ? null : format.isUsable ? 'unreadable' : format.name,
  };
}

function readId(value: unknown): UserId | null {
  if (isAbsent(value)) return null;
  const id = typeof value === 'string' ? parseUserId(value) : null;
  if (id === null) throw new Flaw(`the id is not a number from 1 to ${USER_ID_MAX}`);
  return id;
}

function readText(fields: DumpedUser['fields'], name: keyof typeof MAX_CHARACTERS): string {
  const value = fields[name];
  if (isAbsent(value)) return '';
  if (typeof value !== 'string') throw new Flaw(`${name} is not text`);
  if (!value.isWellFormed()) throw new Flaw(`${name} is not valid Unicode text`);
  if (characterCount(value) > MAX_CHARACTERS[name])
    throw new Flaw(`${name} has more than ${MAX_CHARACTERS[name]} characters`);
  return value;
}

/** JSON has booleans; databases write t, 1 or True into CSV. Absent: active, as in Django's model. */
function readActive(value: unknown): boolean {
  if (isAbsent(value) || value === '') return true;
  const word = String(value).toLowerCase();
  if (['true', 't', '1', 'yes', 'y'].includes(word)) return true;
  if (['false', 'f', '0', 'no', 'n'].includes(word)) return false;
  throw new Flaw('is_active is neither true nor false');
}

/**
 * Django's JSON (ISO 8601), or what PostgreSQL (`2024-05-01 09:30:00.123456+00`), MySQL and SQLite write; without a
 * time zone it is UTC, as Django stores times (USE_TZ).
 */
function readTime(value: unknown, nowMs: number): number | null {
  if (isAbsent(value) || value === '') return null;
  const [, date, time, zone] =
    /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d(?::?\d\d)?)?$/i.exec(String(value)) ?? [];
  const fraction = /\.(\d{1,3})/.exec(String(value))?.[1] ?? '0';
  const [, sign = '+', hours = '00', minutes = '00'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone ?? '') ?? [];
  const atMs =
    date === undefined
      ? null
      : existingTime(date, `${time}.${fraction.padEnd(3, '0')}`, `${sign}${hours}:${minutes}`);
  if (atMs === null) throw new Flaw('last_login is not a time');
  if (atMs > nowMs + CLOCK_TOLERANCE_MS) throw new Flaw('last_login is in the future');
  return atMs;
}

const isAbsent = (value: unknown): boolean => value === null || value === undefined;
