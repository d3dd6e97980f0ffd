import { defineConfig } from 'vitest/config';

// Packages resolve to their sources, so that no test needs a build. The defaults have to be repeated,
// but for `module`: it picks files of the AWS SDK that only a bundler can load.
const conditions = ['@lazarus/source', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['@lazarus/source', 'node'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts', 'tools/test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/.cache/**'],
    environment: 'node',
    setupFiles: [new URL('tools/leak-guard.ts', import.meta.url).pathname],
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    passWithNoTests: true,
  },
});
