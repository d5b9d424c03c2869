import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores, and one more as the fault tests mostly wait; beyond that bcrypt and workerd fight for them.
    maxWorkers: 3,
    // They import JSON in a way that Node refuses.
    server: { deps: { inline: [/@actions/] } },
  },
});
