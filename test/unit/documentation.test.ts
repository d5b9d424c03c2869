import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseEventReceivers } from '../../src/lib/event-receivers.ts';
import packageJson from '../../package.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENTS = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md'], {
  cwd: ROOT,
}).sort();

const found = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((match) => match[1] ?? '');

const read = (document: string): string => readFileSync(join(ROOT, document), 'utf8');

/** Folders of tests, from the table in CONTRIBUTING.md. */
const TEST_FOLDERS = found(
  read('CONTRIBUTING.md').split('Tests, by folder')[1] ?? '',
  /^\| (`.+`) \|/gm,
).flatMap((cell) => found(cell, /`(\w+)`/g));

/** Heading ids as GitHub makes them. */
const anchorsOf = (text: string): string[] =>
  found(text, /^#+ (.+)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

test('there are documents, and folders of tests that they name', () => {
  expect(DOCUMENTS).toContain('SECURITY.md');
  expect(TEST_FOLDERS).toContain('unit');
});

test.each(['examples/nginx/app.conf', 'examples/caddy/Caddyfile'])(
  'docs/apps.md quotes %s as it is tested',
  (file) => {
    expect(read('docs/apps.md')).toContain(`\n${read(file)}\`\`\`\n`);
  },
);

test.each(['docs/webhooks.md', 'examples/webhook-receiver/README.md'])(
  '%s shows receivers as the Worker takes them, and their token as it is sent',
  (document) => {
    const text = read(document);
    const [json = ''] = found(text, /```json\n *(\[[^]*?\])\n *```/g);
    const receivers = parseEventReceivers(json);
    expect(receivers?.map(({ name }) => name)).toContain('billing');
    for (const bearer of found(text, /(?:^Authorization: Bearer |\bTOKEN=)(\S+)/gm))
      expect(bearer).toBe(receivers?.[0]?.token);
  },
);

describe.each(DOCUMENTS)('%s', (document) => {
  const text = read(document);

  test('leads to files and headings that exist', () => {
    const targets = [...found(text, /\]\(([^)\s]+)\)/g), ...found(text, /<img src="([^"]+)"/g)];
    for (const target of targets.filter((each) => !/^https?:/.test(each))) {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? document : join(dirname(document), path);
      expect(existsSync(join(ROOT, file)), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(read(file)), target).toContain(anchor);
    }
  });

  test('names files that exist', () => {
    const paths = found(text, /`((?:src|test|tools|docs|examples|\.github)\/[\w./-]+)`/g);
    for (const path of paths) expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  test('names tests by their folder, as files move more often', () => {
    expect(found(text, /([\w/-]+\.test\.tsx?)/g)).toEqual([]);
    for (const line of found(text, /^Tests: (.+)$/gm)) {
      const folders = found(line, /`(\w+)`/g);
      expect(line).toBe(folders.map((folder) => `\`${folder}\``).join(', '));
      for (const folder of folders) expect(TEST_FOLDERS).toContain(folder);
    }
  });

  test('names npm commands that exist', () => {
    const scripts = Object.keys(packageJson.scripts);
    for (const name of found(text, /\bnpm run (?:-s )?([a-z][\w:-]*)/g)) expect(scripts).toContain(name);
  });
});
