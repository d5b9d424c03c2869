import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENTS = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT }).sort();

/** Folders of tests, by which SECURITY.md names what shows a thing. */
const TESTED =
  /`((?:unit|stores|worker|api|budget|devices|attacks|faults|browser)\/[\w/-]+|tools\/hoskie\/[\w-]+)`/g;

const found = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((match) => match[1] ?? '');

/** Heading ids as GitHub makes them. */
const anchorsOf = (text: string): string[] =>
  found(text, /^#+ (.+)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe.each(DOCUMENTS)('%s', (document) => {
  const text = readFileSync(join(ROOT, document), 'utf8');

  test('leads to files and headings that exist', () => {
    const targets = [...found(text, /\]\(([^)\s]+)\)/g), ...found(text, /<img src="([^"]+)"/g)];
    for (const target of targets.filter((each) => !/^https?:/.test(each))) {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? document : join(dirname(document), path);
      expect(existsSync(join(ROOT, file)), target).toBe(true);
      if (anchor !== undefined)
        expect(anchorsOf(readFileSync(join(ROOT, file), 'utf8')), target).toContain(anchor);
    }
  });

  test('names files that exist', () => {
    const paths = found(text, /`((?:src|test|tools|docs|examples|\.github)\/[\w./-]+)`/g);
    paths.push(...found(text, TESTED).map((name) => `test/${name}.test.ts`));
    for (const path of paths) expect(existsSync(join(ROOT, path)), path).toBe(true);
  });

  test('names npm commands that exist', () => {
    const scripts = Object.keys(packageJson.scripts);
    for (const name of found(text, /\bnpm run (?:-s )?([a-z][\w:-]*)/g)) expect(scripts).toContain(name);
  });
});
