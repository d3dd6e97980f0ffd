import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const TIME_AND_CHANCE = 'Time, chance and identity come in through ports (Clock, Random, Ids).';
const OUTSIDE_WORLD = 'I/O belongs to an adapter package behind a port.';

/** Globals that would make a decision depend on anything but its input. */
const ambientGlobals = ['setTimeout', 'setInterval', 'setImmediate'].map((name) => ({
  name,
  message: TIME_AND_CHANCE,
}));

const ambientProperties = [
  { object: 'Date', property: 'now', message: TIME_AND_CHANCE },
  { object: 'performance', property: 'now', message: TIME_AND_CHANCE },
  { object: 'process', property: 'hrtime', message: TIME_AND_CHANCE },
  { object: 'AbortSignal', property: 'timeout', message: TIME_AND_CHANCE },
  { object: 'Math', property: 'random', message: TIME_AND_CHANCE },
  ...['randomUUID', 'randomBytes', 'randomInt', 'getRandomValues'].map((property) => ({
    object: 'crypto',
    property,
    message: TIME_AND_CHANCE,
  })),
  {
    object: 'process',
    property: 'env',
    message: 'Options are passed in; only the daemon and the cli read the environment.',
  },
];

const ambientSyntax = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: TIME_AND_CHANCE },
  { selector: 'TSEnumDeclaration', message: 'Erasable syntax only: use a union of string literals.' },
];

const randomImports = [
  {
    group: ['crypto', 'node:crypto'],
    importNamePattern: '^(random|getRandomValues|webcrypto)',
    message: TIME_AND_CHANCE,
  },
  { group: ['timers', 'timers/*', 'node:timers', 'node:timers/*'], message: TIME_AND_CHANCE },
];

const ioImports = {
  group: ['net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'dns/*', 'child_process'].flatMap(
    (name) => [name, `node:${name}`],
  ),
  message: OUTSIDE_WORLD,
};

const rxjsImports = { group: ['rxjs', 'rxjs/*'], message: 'RxJS lives in stream/ folders.' };

/** Packages that talk to the outside world: their whole purpose is I/O. */
const adapters = [
  'locks-redis',
  'sensors-kinesis',
  'sensors-http',
  'actuators-aws',
  'pager-pagerduty',
  'notify',
  'audit',
  'engine-restate',
  'cli',
];
const adapterSources = adapters.map((name) => `packages/${name}/src/**/*.ts`);
/** The only files of the other packages that may touch the clock, the sockets or the random source of the machine. */
const systemFiles = [
  'packages/*/src/**/system-*.ts',
  'packages/*/src/**/adapters/**/*.ts',
  'packages/*/src/**/transports/**/*.ts',
];

export default defineConfig(
  globalIgnores(['**/dist/**', '**/node_modules/**', '**/coverage/**', '.cache/**', '.lazarus/**', '.nx/**']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['vitest.config.ts'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-empty-function': 'off',
      // tsc asks for brackets on index signatures; both spellings are fine.
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...ambientSyntax.slice(1)],
      eqeqeq: 'error',
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: [...adapterSources, ...systemFiles],
    rules: {
      'no-restricted-globals': ['error', ...ambientGlobals, { name: 'fetch', message: OUTSIDE_WORLD }],
      'no-restricted-properties': ['error', ...ambientProperties],
      'no-restricted-syntax': ['error', ...ambientSyntax],
      'no-restricted-imports': ['error', { patterns: [...randomImports, ioImports, rxjsImports] }],
    },
  },
  {
    files: ['packages/*/src/**/stream/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [...randomImports, ioImports] }] },
  },
  {
    files: adapterSources,
    ignores: ['packages/*/src/**/stream/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [rxjsImports] }] },
  },
  {
    files: ['**/test/**/*.ts', 'examples/**/*.ts', 'packages/cli/src/**/*.ts', 'tools/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-floating-promises': 'error',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'console',
          'process',
          'URL',
          'Buffer',
          'fetch',
          'setTimeout',
          'clearTimeout',
          'setInterval',
          'clearInterval',
          'AbortSignal',
          'AbortController',
          'performance',
          'module',
          'require',
          '__dirname',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
);
