// Keeps the report of the public interface of core (packages/core/etc/*.api.md): a change of the interface shows in
// review. Needs a build. Usage: node tools/api.mjs [--update]
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { root } from './run-command.mjs';

const update = process.argv.includes('--update');
const folder = join(root, 'packages', 'core');
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const reports = join(folder, 'etc');
const fresh = join(root, '.cache', 'api');
mkdirSync(reports, { recursive: true });
mkdirSync(fresh, { recursive: true });

/** Entry name (`core`, `core-ports`) and declaration file of each public entry point. */
const entries = Object.entries(manifest.exports)
  .filter(([, target]) => target.types !== undefined)
  .map(([path, target]) => ({
    name: ['core', ...path.split('/').slice(1)].join('-'),
    declarations: join(folder, target.types),
  }));

/** Writes a fresh report for one entry point and returns its file. */
function report({ name, declarations }) {
  const config = ExtractorConfig.prepare({
    configObjectFullPath: join(folder, 'api-extractor.json'),
    packageJsonFullPath: join(folder, 'package.json'),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: declarations,
      bundledPackages: [],
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: { module: 'nodenext', target: 'es2023', types: ['node'], skipLibCheck: true },
          files: [declarations],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: fresh,
        reportTempFolder: join(fresh, 'temp'),
        includeForgottenExports: false,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
  const result = Extractor.invoke(config, {
    localBuild: true,
    showVerboseMessages: false,
    messageCallback: (message) => {
      message.handled = message.logLevel !== 'error';
    },
  });
  if (result.errorCount > 0)
    throw new Error(`api-extractor reports ${result.errorCount} errors for ${declarations}`);
  return join(fresh, `${name}.api.md`);
}

let drifted = 0;
for (const entry of entries) {
  const text = readFileSync(report(entry), 'utf8');
  const file = join(reports, `${entry.name}.api.md`);
  const committed = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (text === committed) continue;
  if (update) {
    writeFileSync(file, text);
    console.log(`wrote packages/core/etc/${entry.name}.api.md`);
    continue;
  }
  drifted += 1;
  console.log(
    `packages/core/etc/${entry.name}.api.md does not match the built interface; first differences:`,
  );
  console.log(firstDifferences(committed, text));
}
if (drifted > 0)
  console.log(
    'If the change is meant: node tools/api.mjs --update, then commit the report with a changeset.',
  );
process.exitCode = drifted > 0 ? 1 : 0;

function firstDifferences(before, after) {
  const old = new Set(before.split('\n'));
  const now = new Set(after.split('\n'));
  const gone = [...old].filter((line) => !now.has(line)).map((line) => `- ${line}`);
  const added = [...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`);
  return [...gone.slice(0, 15), ...added.slice(0, 15)].join('\n');
}
