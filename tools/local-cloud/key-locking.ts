const KEY_LOCKING = 'allow-key-locking';

/**
 * A script with Upstash's flag `allow-key-locking`, made fit for stock Redis, which refuses the flag; other scripts as
 * they are. https://upstash.com/docs/redis/features/key-locking
 *
 * The flag's rules stay in force: keys that are not in KEYS are refused, and so are commands on the whole database.
 * Line numbers in the script's own errors stay right.
 */
export function withoutKeyLocking(script: string): string {
  const end = script.indexOf('\n');
  const firstLine = end === -1 ? script : script.slice(0, end);
  if (!/^#!lua\s/.test(firstLine)) return script;
  const words = firstLine.trimEnd().split(/\s+/);
  let found = false;
  const kept = words.flatMap((word) => {
    if (!word.startsWith('flags=')) return [word];
    const flags = word.slice('flags='.length).split(',');
    const others = flags.filter((flag) => flag !== KEY_LOCKING);
    found ||= others.length < flags.length;
    return others.length === 0 ? [] : [`flags=${others.join(',')}`];
  });
  if (!found) return script;
  const rest = end === -1 ? '' : script.slice(end + 1);
  // Redis before version 7 knows no first line of this kind: without other flags there is no need for one.
  return kept.length > 1 ? `${kept.join(' ')}\n${GUARD} ${rest}` : `${GUARD}\n${rest}`;
}

/** Puts a `redis` before the script's own that looks at the keys of each command first. Lua, on one line. */
const GUARD = `
  local redis = (function()
    local real, declared = redis, {}
    local whole = {flushdb = 1, flushall = 1, keys = 1, scan = 1, randomkey = 1, dbsize = 1}
    for _, key in ipairs(KEYS) do declared[key] = true end
    local function refusal(name, ...)
      if whole[string.lower(tostring(name))] then
        return 'ERR ' .. name .. ' needs the whole database, which allow-key-locking does not give'
      end
      local keys = real.pcall('COMMAND', 'GETKEYS', name, ...)
      if type(keys) ~= 'table' or keys.err then return nil end
      for _, key in ipairs(keys) do
        if not declared[key] then return 'ERR allow-key-locking: the key ' .. key .. ' is not in KEYS' end
      end
    end
    local guarded = {}
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
    return setmetatable(guarded, {__index = real})
  end)()`
  .trim()
  .replace(/\s+/g, ' ');
