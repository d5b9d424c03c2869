import tseslint from 'typescript-eslint';

// Who may import whom in src/, as the map in the README draws it.
const noVendors = {
  group: ['@upstash/*', '@planetscale/*'],
  message: 'The vendors of the stores are known to src/store/{upstash,planetscale}-client.ts alone.',
};
const noNode = { regex: '^node:', message: 'Nothing in src/ knows Node.' };
const noOutside = { group: ['**/tools/**', '**/test/**'], message: 'src/ imports neither tools/ nor test/.' };
const noEntry = { regex: '/index\\.ts$', message: 'Nothing imports the entry.' };
const noWeb = {
  regex: '/(?:web|pages|api)/|/app\\.ts$',
  message: 'Sessions, users, activity, security and stores know nothing of HTTP handlers.',
};
const noAdapters = {
  regex: '/(?:upstash|planetscale)-[\\w-]+\\.ts$|/app\\.ts$',
  message: 'Pages, API and middleware see the interfaces of deps.ts, never an adapter.',
};
const noOperators = {
  regex: '/(?:[\\w-]+-admin|(?:planetscale-)?activity-search)\\.ts$',
  message: 'For the operator tool alone: the bundle stays small.',
};
const noImports = { regex: '/(?:store|web)/|/deps\\.ts$', message: 'Rules are pure: data in, data out.' };

const mayNotImport = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });
const everywhere = [noNode, noOutside, noEntry];

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'src/generated/',
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
        project: ['./tsconfig.json', './tsconfig.node.json'],
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
  { files: ['src/**'], rules: mayNotImport(...everywhere, noVendors, noOperators) },
  {
    files: ['src/{session,user,activity,security,store}/**'],
    rules: mayNotImport(...everywhere, noVendors, noWeb, noOperators),
  },
  {
    files: ['src/{web,pages,api}/**', 'src/health.ts'],
    rules: mayNotImport(...everywhere, noVendors, noAdapters, noOperators),
  },
  { files: ['src/**/rules.ts'], rules: mayNotImport(...everywhere, noVendors, noWeb, noAdapters, noImports) },
  {
    files: ['src/**/*-admin.ts', 'src/activity/*activity-search.ts'],
    rules: mayNotImport(...everywhere, noVendors, noWeb),
  },
  { files: ['src/store/{upstash,planetscale}-client.ts'], rules: mayNotImport(...everywhere, noWeb) },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
);
