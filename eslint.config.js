import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

// The folders of src/ in the order in which they build on each other: each imports only from those before it (and from
// settings.ts, errors.ts and log.ts, which import at most lib/). app.ts, stores.ts and index.ts put it all together.
const ORDER = ['lib', 'store', 'activity', 'session', 'auth', 'http', 'pages', 'api'];

const notImported = (regex, message) => ({ regex, message });
const entry = notImported('/(?:app|stores|index)\\.ts$', 'Nothing imports the wiring.');
const outside = notImported('/(?:tools|test|packages)/', 'src/ imports nothing from outside.');
const node = notImported('^node:', 'lib/ alone uses Node modules, which Workers provide.');
const vendors = notImported('^@(?:upstash|planetscale)/', 'Only store/ knows the vendors.');
const later = (folders) =>
  notImported(`/(?:${folders.join('|')})/`, `Imports go one way: ${ORDER.join(' < ')}.`);
const adapters = notImported(
  '/(?:redis|mysql)-[\\w-]+\\.ts$',
  'Handlers see interfaces; stores.ts alone knows their adapters.',
);

const mayNotImport = (files, ...patterns) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns }] },
});

const importOrder = [
  mayNotImport(['src/*.ts'], outside, node, vendors),
  mayNotImport(['src/{settings,errors,log}.ts'], outside, node, vendors, entry, later(ORDER.slice(1))),
  ...ORDER.map((folder, i) => {
    const patterns = [outside, entry];
    if (folder !== 'lib') patterns.push(node);
    if (folder !== 'store') patterns.push(vendors);
    // pages and api are side by side.
    const after = folder === 'api' ? ['pages'] : ORDER.slice(i + 1);
    patterns.push(later(after));
    if (['http', 'pages', 'api'].includes(folder)) patterns.push(adapters);
    return mayNotImport([`src/${folder}/**`], ...patterns);
  }),
];

export default tseslint.config(
  {
    ignores: [
      '**/dist/',
      '**/generated/',
      '.local/',
      '.wrangler/',
      'tools/bench/better-auth/',
      'worker-configuration.d.ts',
      'coverage/',
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './tsconfig.node.json', './packages/client/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // Interfaces are async; their implementations need not await.
      '@typescript-eslint/require-await': 'off',
      // What a store's client threw is thrown on as it is.
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      eqeqeq: 'error',
    },
  },
  ...importOrder,
  mayNotImport(
    ['packages/client/**'],
    notImported('/(?:src|tools|test)/', 'What is published stands alone.'),
  ),
  {
    files: ['src/**', 'tools/**', 'packages/**'],
    plugins: { 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts', '.tsx'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts', '.tsx'] },
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.tsx', '.js'] })],
    },
    rules: { 'import-x/no-cycle': 'error' },
  },
  { files: ['src/**', 'tools/**', 'packages/**'], rules: { 'max-lines': ['error', { max: 250 }] } },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
);
