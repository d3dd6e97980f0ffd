// Makes a new package that passes every gate: npm run new:package -- --name x [--description "What it does."]
// It also writes the row of the package in dependency-rules.cjs; afterwards `npm install` links it.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { name: { type: 'string' }, description: { type: 'string' } } });
const { name } = values;
if (name === undefined || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
  console.error('Usage: npm run new:package -- --name kebab-case-name [--description "One sentence."]');
  process.exit(2);
}
const folder = join('packages', name);
if (existsSync(folder)) {
  console.error(`${folder} exists already.`);
  process.exit(1);
}

const description = values.description ?? `The ${name} part of Lazarus.`;
const { version } = JSON.parse(readFileSync(join('packages', 'core', 'package.json'), 'utf8'));
const manifest = {
  name: `@lazarus/${name}`,
  version,
  description,
  license: 'Apache-2.0',
  type: 'module',
  engines: { node: '>=22.13' },
  sideEffects: false,
  exports: {
    '.': { '@lazarus/source': './src/index.ts', types: './dist/index.d.ts', import: './dist/index.js' },
    './package.json': './package.json',
  },
  files: ['dist', 'README.md', 'LICENSE'],
  publishConfig: { access: 'public' },
  scripts: {
    build: 'tsup --config ../../tools/tsup.config.ts',
    bundle: 'tsup --config ../../tools/tsup.config.ts --no-dts',
    typecheck: 'node ../../node_modules/typescript/bin/tsc --noEmit -p .',
  },
  dependencies: { '@lazarus/core': `^${version}` },
};

function write(file, text) {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

write('package.json', `${JSON.stringify(manifest, null, 2)}\n`);
write('tsconfig.json', '{\n  "extends": "../../tsconfig.base.json",\n  "include": ["src", "test"]\n}\n');
write('README.md', `# @lazarus/${name}\n\n${description}\n`);
write('src/index.ts', 'export {};\n');
copyFileSync('LICENSE', join(folder, 'LICENSE'));

const rules = readFileSync('dependency-rules.cjs', 'utf8');
const key = name.includes('-') ? `'${name}'` : name;
const row = `  ${key}: ['core'],\n  cli: ANY,\n`;
if (!rules.includes('  cli: ANY,\n'))
  throw new Error('dependency-rules.cjs has no row of cli to put the new row before');
writeFileSync('dependency-rules.cjs', rules.replace('  cli: ANY,\n', row));

console.log(`Made ${folder} and its row in dependency-rules.cjs. Run npm install to link it.`);
