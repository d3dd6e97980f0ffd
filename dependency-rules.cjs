// Who may import whom: the one table, and the rules dependency-cruiser derives from it.
// A package without a row is an error, so a new package starts by saying what it may use.
const { existsSync, readFileSync, readdirSync } = require('node:fs');
const { join } = require('node:path');

const ANY = '*';

/** Package folder -> the packages of this repository its sources may import. */
const table = {
  core: [],
  testing: ['core', 'dag', 'quorum'],
  dag: ['core'],
  quorum: ['core'],
  'locks-redis': ['core'],
  'sensors-kinesis': ['core'],
  'sensors-http': ['core'],
  'actuators-aws': ['core'],
  'pager-pagerduty': ['core'],
  audit: ['core'],
  api: ['core'],
  notify: ['core'],
  'engine-restate': ['core', 'dag'],
  cli: ANY,
};

const repository = process.cwd();
const packagesFolder = join(repository, 'packages');

/** Folders without a row, and rows without a folder. */
function tableMismatches() {
  const folders = existsSync(packagesFolder) ? readdirSync(packagesFolder) : [];
  return [
    ...folders
      .filter((name) => table[name] === undefined)
      .map((name) => `packages/${name} has no row in dependency-rules.cjs`),
    ...Object.keys(table)
      .filter((name) => !folders.includes(name))
      .map((name) => `dependency-rules.cjs has a row for packages/${name}, which does not exist`),
  ];
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
const oneOf = (names) => `(?:${names.map(escape).join('|')})`;

/** The source files that other packages may reach, read from each package's `exports`. */
function publicSources() {
  return Object.keys(table).flatMap((name) => {
    const manifestFile = join(packagesFolder, name, 'package.json');
    if (!existsSync(manifestFile)) return [];
    const { exports: entries } = JSON.parse(readFileSync(manifestFile, 'utf8'));
    return Object.values(entries ?? {})
      .map((entry) => entry['@lazarus/source'])
      .filter((source) => source !== undefined)
      .map((source) => `packages/${name}/${source.replace(/^\.\//, '')}`);
  });
}

const known = oneOf(Object.keys(table));

const importsByPackage = Object.entries(table)
  .filter(([, allowed]) => allowed !== ANY)
  .map(([name, allowed]) => ({
    name: `${name}-imports`,
    comment: `packages/${name} may import ${allowed.length > 0 ? allowed.join(', ') : 'no other package of ours'}.`,
    severity: 'error',
    from: { path: `^packages/${escape(name)}/src/` },
    to: { path: '^packages/', pathNot: `^packages/${oneOf([name, ...allowed])}/` },
  }));

const forbidden = [
  ...importsByPackage,
  {
    name: 'package-in-table',
    comment: 'Every package has a row in the table of dependency-rules.cjs.',
    severity: 'error',
    from: { path: '^packages/', pathNot: `^packages/${known}/` },
    to: {},
  },
  {
    name: 'no-cycles',
    comment: 'Files do not import each other in a circle.',
    severity: 'error',
    from: { path: '^(?:packages|examples)/[^/]+/src/' },
    to: { circular: true },
  },
  {
    name: 'public-entries-only',
    comment:
      'Another package is used through the entry points of its exports, never through a file inside it.',
    severity: 'error',
    from: { path: '^((?:packages|examples)/[^/]+)/' },
    to: {
      path: '^packages/[^/]+/',
      pathNot: ['^$1/', ...publicSources().map((file) => `^${escape(file)}$`)],
    },
  },
  {
    name: 'by-name',
    comment: 'Another package is named (@lazarus/x), never reached by a relative path.',
    severity: 'error',
    from: { path: '^((?:packages|examples)/[^/]+)/' },
    to: { path: '^(?:packages|examples)/', pathNot: '^$1/', dependencyTypes: ['local'] },
  },
  {
    name: 'core-has-no-io',
    comment:
      'core decides and does no I/O: of Node it may use hashing only; the machine clock lives in system-*.ts files.',
    severity: 'error',
    from: { path: '^packages/core/src/', pathNot: '/system-[a-z-]+\\.ts$' },
    to: { dependencyTypes: ['core'], pathNot: '^(?:node:)?crypto$' },
  },
  {
    name: 'rxjs-in-stream-folders',
    comment: 'RxJS lives in stream/ folders.',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/', pathNot: '/stream/' },
    to: { path: '(?:^|node_modules/)rxjs(?:/|$)' },
  },
  {
    name: 'packages-know-no-examples',
    comment: 'Examples use packages, never the other way round; tests may run against the simulators.',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/' },
    to: { path: '^examples/' },
  },
  {
    name: 'sources-know-no-tests',
    severity: 'error',
    from: { path: '^(?:packages|examples)/[^/]+/src/' },
    to: { path: '^(?:packages|examples)/[^/]+/test/' },
  },
  {
    name: 'declared-dependencies',
    comment: 'What a published source imports stands in the dependencies or peerDependencies of its package.',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/' },
    to: {
      dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
      dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional'],
    },
  },
  {
    name: 'resolvable',
    severity: 'error',
    from: { path: '^(?:packages|examples)/[^/]+/' },
    to: { couldNotResolve: true },
  },
];

const configuration = {
  forbidden,
  options: {
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    preserveSymlinks: false,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(?:packages|examples)/[^/]+/dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@lazarus/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};

module.exports = { configuration, tableMismatches };
