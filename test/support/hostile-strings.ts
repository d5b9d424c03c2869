import naughtyStrings from 'big-list-of-naughty-strings/blns.json' with { type: 'json' };

/** The Big List of Naughty Strings, each once. */
export const NAUGHTY: readonly string[] = [...new Set(naughtyStrings)];

/** Those that an HTTP header can carry: bytes (U+0000 to U+00FF), no control character, no space at either end. */
export const NAUGHTY_IN_HEADERS: readonly string[] = NAUGHTY.filter(
  (text) => /^[\u0020-\u007e\u00a0-\u00ff]+$/.test(text) && text.trim() === text,
);

/** Text that means something to MySQL, Redis or a Redis script, and must mean nothing in a field. */
export const SQL_AND_LUA: readonly string[] = [
  "' OR '1'='1",
  "' OR 1=1 -- ",
  "' OR 1=1#",
  '" OR ""="',
  "admin'-- ",
  "admin'/*",
  "\\' OR 1=1 -- ",
  "\\\\' OR 1=1 -- ",
  "\u00bf' OR 1=1 -- ",
  '\u0000\u0027 OR 1=1 -- ',
  "x'; DROP TABLE users; -- ",
  "x'; UPDATE users SET is_active = 0; -- ",
  "x', NOW(), (SELECT password_hash FROM users LIMIT 1)) -- ",
  "' UNION SELECT id, username, password_hash, 1 FROM users -- ",
  "' AND SLEEP(5) -- ",
  "'||(SELECT 1)||'",
  '`users`',
  '?',
  '? ? ?',
  ':username',
  '${username}',
  '%s%d%n',
  "') ON DUPLICATE KEY UPDATE username = 'x",
  '1; FLUSHALL',
  '\r\nFLUSHALL\r\n',
  '*1\r\n$8\r\nFLUSHALL\r\n',
  "'..redis.call('FLUSHALL')..'",
  "]] redis.call('FLUSHALL') --[[",
  '"} redis.call("FLUSHALL") --',
  'session:*',
  'user-sessions:1',
  'outbox:pending',
  '../session:x',
  '["0","x"]',
  '{"type":"logout","id":"x"}',
  '\\"},{"reason":"admin',
  '\u2028\u2029\u0085',
  '\u{1f600}'.repeat(50),
];

/** The hash of PASSWORD at a cost that only tests may use: makes many wrong guesses affordable. */
export const CHEAP_HASH = 'bcrypt_sha256$$2b$04$MKn.XUxF3fAQk8ftHTspqOhlVcOckKT5S02mUvqbEhAM1UhbgMJia';

/** Known tricks that send a browser to `evil.example`. */
export const OPEN_REDIRECTS: readonly string[] = [
  ...[
    '//evil.example',
    '///evil.example',
    '////evil.example/%2f..',
    '/%0a/evil.example',
    '/%09/evil.example',
  ],
  ...[
    '/%5cevil.example',
    '/%2fevil.example',
    '//%2fevil.example',
    '/.evil.example',
    '//evil%E3%80%82example',
  ],
  ...['/\\evil.example', '/\\/evil.example', '\\\\evil.example', '\\/\\/evil.example', '\\evil.example'],
  ...['\u2044\u2044evil.example', '/\u2044evil.example', '\uff0f\uff0fevil.example', '/\uff0fevil.example'],
  ...['//evil\u3002example', '//evil\uff0eexample', '//\u24d4vil.example', '//evil\u00ad.example'],
  ...['/\t/evil.example', '/\n/evil.example', '/\r\n/evil.example', '\t//evil.example', ' //evil.example'],
  ...[
    'ht\ntps://evil.example',
    'java\tscript:alert(1)',
    'java\u0000script:alert(1)',
    '\u0001javascript:alert(1)',
  ],
  ...[
    'javascript:alert(1)',
    'JAVASCRIPT:alert(1)',
    'javascript://login.example.org/%0aalert(1)',
    'jAvAsCrIpT&colon;x',
  ],
  ...[
    'data:text/html,<script>alert(1)</script>',
    'data:;base64,PHNjcmlwdD4=',
    'vbscript:x',
    'file:///etc/passwd',
  ],
  ...[
    'blob:https://login.example.org/x',
    'filesystem:https://login.example.org/x',
    'view-source:x',
    'about:blank',
  ],
  ...[
    'http:evil.example',
    'https:evil.example',
    'https:/evil.example',
    'https:\\evil.example',
    'https:///evil.example',
  ],
  ...[
    'https://evil.example',
    'HTTPS://evil.example',
    'http://evil.example',
    'ftp://evil.example',
    'ws://evil.example',
  ],
  ...[
    'https://login.example.org@evil.example',
    'https://login.example.org:443@evil.example',
    '//login.example.org@evil.example',
  ],
  ...[
    'https://evil.example\\@login.example.org',
    'https://evil.example#@login.example.org',
    'https://evil.example?@login.example.org',
  ],
  ...[
    'https://login.example.org\\.evil.example',
    'https://login.example.org%2f@evil.example',
    'https://a:b@login.example.org/',
  ],
  ...[
    'https://login.example.org.',
    'https://login.example.org.evil.example',
    'https://login.example.org:444/',
  ],
  ...[
    'https://app.example.net@evil.example',
    'https://app.example.net.evil.example',
    'https://app.example.net:444',
  ],
  ...[
    'https://evil.example/app.example.net',
    'https://xapp.example.net',
    'https://app.example.net%00.evil.example',
  ],
  ...[
    'https://[::1]/',
    '//[::1]',
    '//[::ffff:7f00:1]',
    'https://[fe80::1%25eth0]/',
    '//[evil.example]',
    'https://[::1',
  ],
  ...['//127.1', '//2130706433', '//0x7f.1', 'https://0', '//017700000001', 'https://evil.example:99999/'],
  ...[
    '/..//evil.example',
    '/.//evil.example',
    '/x/..//evil.example',
    '/%2e%2e//evil.example',
    '/%2e//evil.example',
  ],
  ...[
    '/..;//evil.example',
    '/../..//evil.example',
    '/;//evil.example',
    '/home/..//evil.example/',
    '/.%2e//evil.example',
  ],
  ...['/home/../../\\evil.example', '/x/%2e%2e//evil.example', 'https://login.example.org//evil.example'],
  ...[
    'https://login.example.org/..//evil.example',
    'https://login.example.org/%2e//evil.example',
    './/evil.example',
  ],
  ...[
    '/home/\r\nSet-Cookie: sessionid=x',
    '/home/%0d%0aSet-Cookie:%20sessionid=x',
    '/home/\u0085x',
    '/home/\u2028x',
  ],
  ...['/\u0000', '/\u007f', '/%00', '%', '/%', '/%zz', '?//evil.example', '#//evil.example', '@evil.example'],
  ...[
    '/@evil.example',
    '/https://evil.example',
    '/?u=//evil.example',
    '/#//evil.example',
    '.evil.example',
    '..',
    '.',
    '',
    '*',
  ],
  `/${'a'.repeat(1999)}`,
  `//evil.example/${'a'.repeat(1985)}`,
  `/${'../'.repeat(660)}/evil.example`,
];
