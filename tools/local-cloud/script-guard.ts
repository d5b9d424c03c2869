import { createHash } from 'node:crypto';

const KEY_LOCKING = 'allow-key-locking';

/** Takes about a second. */
const MAX_COMMANDS = 1_000_000;

/**
 * Fits scripts to a stock Redis that several clouds share, each with a logical database of its own.
 *
 * - A script cannot leave its logical database.
 * - Upstash's flag `allow-key-locking`, which stock Redis refuses, is taken out, and its rules are enforced: a script
 *   may use the keys in KEYS only, and no command on the whole database.
 *   https://upstash.com/docs/redis/features/key-locking
 * - A script ends after a million commands: SCRIPT KILL cannot end one that has written something.
 * - In a full database a `#!lua` script is refused unless it says `allow-oom` or `no-writes`. Others run until they call
 *   a command that needs memory, and go on after their first write, as in Redis.
 * - EVALSHA, SCRIPT EXISTS and SCRIPT LOAD know a script by the SHA-1 of its author's text.
 */
export class ScriptGuard {
  /** The database is out of memory. */
  isFull = false;
  readonly #guarded = new Map<string, string>();

  /** The command as Redis shall get it, and what replaces Redis's reply if it succeeds (null: nothing). */
  rewrite(command: string[]): { args: string[]; reply: string | null } {
    const [name = '', first = '', ...rest] = command;
    switch (`${name} ${/^script$/i.test(name) ? first : ''}`.trim().toLowerCase()) {
      case 'eval':
      case 'eval_ro':
        return { args: [name, this.#learn(first), ...rest], reply: null };
      case 'evalsha':
      case 'evalsha_ro':
        return { args: [name, this.#translate(first), ...rest], reply: null };
      case 'script exists':
        return { args: [name, first, ...rest.map((sha) => this.#translate(sha))], reply: null };
      case 'script load':
        return { args: [name, first, ...rest.map((text) => this.#learn(text))], reply: sha1(rest[0] ?? '') };
      default:
        return { args: command, reply: null };
    }
  }

  #learn(script: string): string {
    const guarded = guardScript(script, this.isFull);
    this.#guarded.set(sha1(script), sha1(guarded));
    return guarded;
  }

  #translate(sha: string): string {
    return this.#guarded.get(sha.toLowerCase()) ?? sha;
  }
}

/** The script for stock Redis. Line numbers in its errors stay right. */
export function guardScript(script: string, isFull = false): string {
  const [firstLine = '', ...lines] = script.split('\n');
  const guard = (isLocking: boolean, isShort = false): string =>
    GUARD.replace('LOCKING', String(isLocking)).replace('FULL', String(isShort));
  if (!/^#!lua\b/.test(firstLine)) return `${guard(false, isFull)} ${script}`;
  const flags = flagsOf(firstLine);
  if (isFull && !flags.includes('allow-oom') && !flags.includes('no-writes')) return OUT_OF_MEMORY;
  const others = flags.filter((flag) => flag !== KEY_LOCKING);
  const isLocking = others.length < flags.length;
  // Redis before version 7 knows no first line of this kind: without other flags there is no need for one.
  if (isLocking && others.length === 0) return [guard(true), ...lines].join('\n');
  const [second = '', ...rest] = lines;
  return [
    firstLine.replace(/\bflags=\S*/, `flags=${others.join(',')}`),
    `${guard(isLocking)} ${second}`,
    ...rest,
  ].join('\n');
}

const flagsOf = (firstLine: string): string[] => /\bflags=(\S*)/.exec(firstLine)?.[1]?.split(',') ?? [];

/** In the place of a script that a full Redis doesn't run. */
const OUT_OF_MEMORY = `return redis.error_reply("OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'")`;

/** Lua, on one line: puts a `redis` before the script's own that looks at each command first. */
const GUARD = `
  local redis, server, _G, load, loadstring = (function()
    local real, guarded, declared, locking, full, left = redis, {}, {}, LOCKING, FULL, ${MAX_COMMANDS}
    local outside = {select = 1, swapdb = 1, move = 1, copy = 1, migrate = 1, flushall = 1}
    local whole = {flushdb = 1, keys = 1, scan = 1, randomkey = 1, dbsize = 1}
    for _, key in ipairs(KEYS) do declared[key] = true end
    local function has_flag(name, wanted)
      local info = real.pcall('COMMAND', 'INFO', name)
      for _, flag in ipairs(type(info) == 'table' and info[1] and info[1][3] or {}) do
        if (flag.ok or flag) == wanted then return true end
      end
    end
    local function refusal(name, ...)
      left = left - 1
      if left < 0 then error(real.error_reply('ERR the script has called too many commands')) end
      local word = string.lower(tostring(name))
      if outside[word] then return "ERR Command is not available: '" .. name .. "'" end
      if full and has_flag(word, 'denyoom') then return "OOM command not allowed when used memory > 'maxmemory'." end
      if full and has_flag(word, 'write') then full = false end
      if not locking then return nil end
      if whole[word] then
        return 'ERR ' .. name .. ' needs the whole database, which allow-key-locking does not give'
      end
      local keys = real.pcall('COMMAND', 'GETKEYS', name, ...)
      if type(keys) ~= 'table' or keys.err then return nil end
      for _, key in ipairs(keys) do
        if not declared[key] then return 'ERR allow-key-locking: the key ' .. key .. ' is not in KEYS' end
      end
    end
    for name, value in pairs(real) do guarded[name] = value end
    function guarded.call(...)
      local reason = refusal(...)
      if reason then error(real.error_reply(reason)) end
      return real.call(...)
    end
    function guarded.pcall(...)
      local reason = refusal(...)
      if reason then return real.error_reply(reason) end
      return real.pcall(...)
    end
    return guarded, guarded
  end)()`
  .trim()
  .replace(/\s+/g, ' ');

function sha1(text: string): string {
  return createHash('sha1').update(text, 'utf8').digest('hex');
}
